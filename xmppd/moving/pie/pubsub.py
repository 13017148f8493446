"""Nodes of personal eventing in XEP-0227 3.10: configuration, affiliations, subscriptions, as XEP-0060 writes them."""

from collections.abc import Iterator
from typing import Final

from xmppd.moving.model import Node, NotCarried, Piece
from xmppd.moving.names import jid_or_none
from xmppd.moving.options import node_options
from xmppd.moving.pie import names
from xmppd.services.pubsub.node import Affiliation, Subscription, SubscriptionState
from xmppd.services.pubsub.options import PREFIX, written
from xmppd.stanza.element import Element
from xmppd.stanza.jid import JID
from xmppd.stanza.stamps import parse_stamp, stamp_of

_AFFILIATIONS: Final = frozenset(Affiliation)
_STATES: Final = frozenset(SubscriptionState)
_CREATED: Final = f"{{{names.OURS}}}created"
_EXPIRE: Final = f"{{{names.OURS}}}expire"
_DELIVER: Final = f"{{{names.OURS}}}deliver"


def nodes(owner: JID, pubsub: Element) -> Iterator[Piece]:
    """Give each node that is configured."""
    for configure in pubsub.elements():
        if configure.name != "configure":
            continue
        name = configure.get("node") or ""
        options, unknown = node_options(name, _values(configure))
        yield from (NotCarried("options of nodes", f"{each} of {name}, {owner.bare}") for each in unknown)
        created = configure.get(_CREATED)
        yield Node(
            name,
            options,
            None if created is None else parse_stamp(created),
            _affiliations(owner, pubsub, name),
            _subscriptions(pubsub, name),
        )


def _values(configure: Element) -> dict[str, tuple[str, ...]]:
    """The fields of the form, without the prefix of their names (XEP-0004 3.2)."""
    form = configure.child("x", names.FORM)
    found: dict[str, tuple[str, ...]] = {}
    for field in form.elements() if form is not None else ():
        var = field.get("var") or ""
        if field.name == "field" and var.startswith(PREFIX):
            texts = tuple(each.text for each in field.elements() if each.name == "value")
            found[var.removeprefix(PREFIX)] = texts
    return found


def _affiliations(owner: JID, pubsub: Element, node: str) -> dict[str, Affiliation]:
    found: dict[str, Affiliation] = {}
    for each in _listed(pubsub, "affiliations", node):
        jid, word = jid_or_none(each.get("jid")), each.get("affiliation") or ""
        if jid is not None and jid.bare != owner.bare and word in _AFFILIATIONS:
            found[jid.bare] = Affiliation(word)
    return found


def _subscriptions(pubsub: Element, node: str) -> dict[str, Subscription]:
    found: dict[str, Subscription] = {}
    for each in _listed(pubsub, "subscriptions", node):
        jid = jid_or_none(each.get("jid"))
        state = (
            each.get("subscription") or each.get("subscribed") or ""
        )  # COMPAT(Prosody 0.12): it writes the latter
        if jid is None or state not in _STATES:
            continue
        expire = each.get(_EXPIRE)
        found[jid.full] = Subscription(
            SubscriptionState(state),
            each.get("subid") or "",
            each.get(_DELIVER) != "false",
            None if expire is None else parse_stamp(expire),
        )
    return found


def _listed(pubsub: Element, name: str, node: str) -> Iterator[Element]:
    for each in pubsub.elements():
        if each.name == name and each.get("node") == node:
            yield from each.elements()


def elements(node: Node) -> Iterator[Element]:
    """Write a node: its configuration, then who has to do with it, where there is anybody."""
    owner, attrs = names.PUBSUB_OWNER, {"node": node.name}
    fields = [_field("FORM_TYPE", (names.NODE_CONFIG,), "hidden")]
    fields += (_field(PREFIX + field.name, texts) for field, texts in written(node.options))
    created = {} if node.created_at is None else {_CREATED: stamp_of(node.created_at)}
    form = Element("x", names.FORM, {"type": "form"}, fields)
    yield Element("configure", owner, {**attrs, **created}, [form])
    if node.affiliations:
        listed = [
            Element("affiliation", owner, {"jid": jid, "affiliation": str(each)})
            for jid, each in sorted(node.affiliations.items())
        ]
        yield Element("affiliations", owner, attrs, listed)
    if node.subscriptions:
        found = [_subscription(jid, each) for jid, each in sorted(node.subscriptions.items())]
        yield Element("subscriptions", owner, attrs, found)


def _subscription(jid: str, subscription: Subscription) -> Element:
    attrs = {"jid": jid, "subscription": str(subscription.state), "subid": subscription.subid}
    if not subscription.deliver:
        attrs[_DELIVER] = "false"
    if subscription.expire is not None:
        attrs[_EXPIRE] = stamp_of(subscription.expire)
    return Element("subscription", names.PUBSUB_OWNER, attrs)


def _field(var: str, texts: tuple[str, ...], type: str | None = None) -> Element:
    values = [Element("value", names.FORM, None, [text]) for text in texts]
    return Element("field", names.FORM, {"var": var, **({"type": type} if type else {})}, values)

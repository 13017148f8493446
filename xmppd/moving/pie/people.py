"""What XEP-0227 says of whom somebody knows, blocks and hears of, one element a piece: read here, written beside it."""

from collections.abc import Iterator
from typing import Final

from xmppd.moving import model
from xmppd.moving.names import jid_or_none
from xmppd.moving.pie import names
from xmppd.services.pubsub.items import payload_of
from xmppd.services.roster.items import SUBSCRIPTIONS, RosterItem
from xmppd.stanza.delay import without_delay_of
from xmppd.stanza.element import Element
from xmppd.stanza.jid import JID
from xmppd.stanza.stamps import parse_stamp
from xmppd.stanza.stanza import Stanza

_ALL_KINDS: Final = frozenset(("message", "iq", "presence-in", "presence-out"))
_TRUE: Final = ("true", "1")


def contact(owner: JID, item: Element) -> Iterator[model.Piece]:
    """An item of the roster (RFC 6121 2.1.2)."""
    jid = jid_or_none(item.get("jid"))
    subscription = item.get("subscription") or "none"
    if jid is None or subscription not in SUBSCRIPTIONS:
        yield model.NotCarried("contacts that are none", f"{item.get('jid')!r} of {owner.bare}")
    elif jid.bare != owner.bare:
        groups = tuple(each.text for each in item.elements() if each.name == "group" and each.text)
        yield model.Contact(
            RosterItem(
                jid.bare,
                item.get("name"),
                SUBSCRIPTIONS[subscription],
                item.get("ask") == "subscribe",
                item.get("approved") in _TRUE,
                tuple(dict.fromkeys(groups)),
            )
        )


def request(owner: JID, presence: Element) -> Iterator[model.Piece]:
    """An incoming subscription request (3.9)."""
    sender = jid_or_none(presence.get("from"))
    if sender is None or presence.get("type") != "subscribe":
        raise ValueError("no request for a subscription")
    stanza = Stanza.from_element(presence).replace(from_=sender.bare, to=owner.bare)
    yield model.Request(sender.with_resource(None), stanza)


def privacy(owner: JID, query: Element) -> Iterator[model.Piece]:
    """Privacy lists (XEP-0016): whom the default list denies altogether is blocked; rules of other kinds are left."""
    default = query.child("default")
    name = None if default is None else default.get("name")
    for each in query.elements():
        if each.name == "list" and each.get("name") != name:
            yield model.NotCarried(
                "privacy lists that are not the default", f"{each.get('name')} of {owner.bare}"
            )
        elif each.name == "list":
            for item in each.elements():
                yield from _rule(owner, item)


def _rule(owner: JID, item: Element) -> Iterator[model.Piece]:
    kinds = {each.name for each in item.elements()}
    jid = jid_or_none(item.get("value")) if item.get("type") == "jid" else None
    if item.get("action") == "deny" and jid is not None and (not kinds or kinds == _ALL_KINDS):
        yield model.Blocked(jid)
    elif item.get("action") != "allow" or item.get("type") is not None:
        what = f"{item.get('action')} {item.get('type')} {item.get('value')}"
        yield model.NotCarried("rules of privacy lists", f"{what}, {owner.bare}")


def blocklist(owner: JID, element: Element) -> Iterator[model.Piece]:
    """A block list (XEP-0191 3.2)."""
    for item in element.elements():
        jid = jid_or_none(item.get("jid"))
        yield (
            model.NotCarried("blocked addresses that are none", repr(item.get("jid")))
            if jid is None
            else model.Blocked(jid)
        )


def vcard(owner: JID, element: Element) -> Iterator[model.Piece]:
    """A vCard (3.7)."""
    yield model.VCard(payload_of(element))


def private(owner: JID, element: Element) -> Iterator[model.Piece]:
    """An element of private XML (3.6)."""
    if element.ns in ("", names.PRIVATE):
        raise ValueError("an element without a namespace of its own")
    yield model.Private(element.name, element.ns, payload_of(element))


def archive_rules(owner: JID, prefs: Element) -> Iterator[model.Piece]:
    """Preferences of the archive as XEP-0441 2 writes them."""
    lists = {
        name: frozenset(
            jid.full
            for element in prefs.elements()
            if element.name == name
            for jid in map(jid_or_none, (each.text for each in element.elements()))
            if jid is not None
        )
        for name in ("always", "never")
    }
    default = prefs.get("default") or ""
    yield model.ArchiveRules(
        default if default in ("always", "never", "roster") else "", lists["always"], lists["never"]
    )


def last_seen(owner: JID, element: Element) -> Iterator[model.Piece]:
    """When the account was last there, in our own namespace."""
    yield model.LastSeen(parse_stamp(element.get("at") or ""), element.text)


def offline(owner: JID, message: Element) -> Iterator[model.Piece]:
    """An offline message (3.5); when it came, its delay says: that of the host, else any."""
    delays = [each for each in message.elements() if (each.ns, each.name) == (names.DELAY, "delay")]
    if not delays:
        raise ValueError("an offline message without its time")
    ours = next((each for each in delays if each.get("from") == owner.domainpart), delays[0])
    stanza = without_delay_of(Stanza.from_element(message), owner.domainpart)
    yield model.Offline(parse_stamp(ours.get("stamp") or ""), stanza)

"""The XML of requests about nodes, read; and of their results, written (XEP-0060)."""

from collections.abc import Sequence
from typing import Final

from xmppd.services.pubsub.items import NS, NewItem, payload_of, shown
from xmppd.services.pubsub.joint import Form
from xmppd.services.pubsub.reading import Page
from xmppd.services.pubsub.refusals import refusal
from xmppd.stanza import forms, result_sets
from xmppd.stanza.element import Element, escape_attr
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID, InvalidJID

PUBLISH_OPTIONS: Final = "http://jabber.org/protocol/pubsub#publish-options"
IDS_MAX: Final = 1_000
"""So many items can be named in one request."""


def node_of(element: Element) -> str:
    """Give the name of the node that a request is about, "" where it names none."""
    return element.get("node") or ""


def new_item(publish: Element) -> NewItem | None:
    """Read the item of a publication, None where there is none; `StanzaError`."""
    items = [child for child in publish.elements() if (child.name, child.ns) == ("item", publish.ns)]
    if len(items) > 1:
        raise StanzaError("not-allowed", "One item can be published at a time")
    if not items:
        return None
    payloads = list(items[0].elements())
    if len(payloads) > 1:
        raise refusal("invalid-payload", "An item has one payload")
    payload = payloads[0] if payloads else None
    return NewItem(items[0].get("id") or "", payload_of(payload), "" if payload is None else payload.ns)


def item_ids(parent: Element) -> list[str]:
    """Give the ids of the items that a request names; `StanzaError`."""
    ids = [child.get("id") or "" for child in parent.elements() if child.name == "item"]
    if not all(ids):
        raise refusal("item-required", "Each item needs an id")
    if len(ids) > IDS_MAX:
        raise StanzaError("policy-violation", "Too many items at once")
    return ids


def form_in(parent: Element | None, form_type: str) -> Form | None:
    """Read the fields of a submitted form in *parent*, if there is one, without its type; `StanzaError`."""
    if parent is None:
        return None
    try:
        submitted = forms.submission_in(parent)
    except ValueError as error:
        raise refusal("invalid-options", str(error)) from error
    if submitted is None:
        return None
    if submitted.form_type not in (None, form_type):
        raise refusal("invalid-options", f"The form is no {form_type}")
    return {var: texts for var, texts in submitted.values.items() if var != forms.FORM_TYPE}


def jid_of(element: Element) -> JID:
    """Read the address that a request is about; `StanzaError` jid-required, jid-malformed."""
    text = element.get("jid")
    if not text:
        raise refusal("jid-required")
    try:
        return JID.parse(text)
    except InvalidJID as error:
        raise StanzaError("jid-malformed", str(error)) from error


def flag(element: Element, name: str) -> bool | None:
    """Read a boolean attribute; None where it is not there, `StanzaError` where it is neither true nor false."""
    value = element.get(name)
    if value is None:
        return None
    if value in ("1", "true"):
        return True
    if value in ("0", "false"):
        return False
    raise StanzaError("bad-request", f"{name} is neither true nor false")


def number(element: Element, name: str) -> int | None:
    """Read a number of an attribute; None where it is not there, `StanzaError` where it is none."""
    value = element.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()) or len(value) > _DIGITS:
        raise StanzaError("bad-request", f"{name} is no number")
    return int(value)


def items_result(page: Page, *, is_paged: bool) -> bytes:
    """Write the items of a page (6.5.2), with the ``<set/>`` of XEP-0059 where it is one of several."""
    items = b"".join([shown(page.node, entry) for entry in page.entries])
    head = f"<pubsub xmlns='{NS}'><items node='{escape_attr(page.node.name)}'".encode()
    content = head + (b">" + items + b"</items>" if items else b"/>")
    return content + (_set(page) if is_paged else b"") + b"</pubsub>"


def published_result(node: str, id: str) -> Element | None:
    """Say under which id an item was published (7.1.2)."""
    item = Element("item", NS, {"id": id}) if id else None
    publish = Element("publish", NS, {"node": node}, () if item is None else (item,))
    return Element("pubsub", NS, children=[publish])


def pubsub(*children: Element, ns: str = NS) -> Element:
    """Wrap the children of a result."""
    return Element("pubsub", ns, children=children)


def _set(page: Page) -> bytes:
    ids: Sequence[str] = [entry.id for entry in page.entries]
    first, last = (ids[0], ids[-1]) if ids else (None, None)
    return result_sets.page_element(first, last, page.total).to_bytes(NS)


_DIGITS: Final = 9

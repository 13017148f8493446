"""What a roster set asks for (RFC 6121 2.1.5, 2.3.3): JID, name, groups, whether to remove it; all else is ignored."""

from typing import NamedTuple

from xmppd.config.limits import Limits
from xmppd.services.roster.items import NS
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID, InvalidJID


class Wanted(NamedTuple):
    """What a roster set asks for, checked."""

    jid: str
    name: str | None
    groups: tuple[str, ...]
    is_removal: bool


def read_set(query: Element, owner: JID, limits: Limits) -> Wanted:
    """Check a roster set (RFC 6121 2.1.5, 2.3.3) and give what it asks for; `StanzaError`."""
    items = items_of(query)
    if len(items) != 1:
        raise StanzaError("bad-request", "A roster set has exactly one item")
    return read_item(items[0], owner, limits)


def items_of(query: Element) -> list[Element]:
    """Give the items of a roster query."""
    return [child for child in query.elements() if (child.ns, child.name) == (NS, "item")]


def read_item(item: Element, owner: JID, limits: Limits) -> Wanted:
    """Check one item of a roster set and give what it asks for; `StanzaError`."""
    jid = _contact(item.get("jid"), owner)
    if item.get("subscription") == "remove":
        return Wanted(jid.bare, None, (), True)
    name = item.get("name")
    if name is not None and len(name.encode()) > limits.roster_name_bytes:
        raise StanzaError("not-acceptable", "The name is too long")
    return Wanted(jid.bare, name or None, _groups(item, limits), False)


def _contact(text: str | None, owner: JID) -> JID:
    if not text:
        raise StanzaError("bad-request", "A roster item needs a JID")
    try:
        jid = JID.parse(text)
    except InvalidJID as error:
        raise StanzaError("jid-malformed", str(error)) from error
    if not jid.is_bare:
        raise StanzaError("bad-request", "A roster item has a bare JID")
    if jid.bare == owner.bare:
        raise StanzaError("not-allowed", "One is not one's own contact")
    return jid


def _groups(item: Element, limits: Limits) -> tuple[str, ...]:
    groups = tuple(child.text for child in item.elements() if (child.ns, child.name) == (NS, "group"))
    if len(set(groups)) != len(groups):
        raise StanzaError("bad-request", "A group is named twice")
    if len(groups) > limits.roster_groups:
        raise StanzaError("not-acceptable", "Too many groups")
    if not all(groups):
        raise StanzaError("not-acceptable", "A group needs a name")
    if any(len(group.encode()) > limits.roster_name_bytes for group in groups):
        raise StanzaError("not-acceptable", "The name of a group is too long")
    return groups

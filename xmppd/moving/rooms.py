"""Rooms as other servers have them: settings taken where they mean something here, messages as ours are stored."""

from collections.abc import Mapping
from typing import Any, Final

from xmppd.moving.model import Archived
from xmppd.moving.names import jid_or_none
from xmppd.services.rooms.room import KEPT
from xmppd.services.rooms.settings import ALLOW_PM, ANYBODY, DEFAULTS, MODERATORS, RoomSettings, from_mapping
from xmppd.stanza.element import Element
from xmppd.stanza.jid import JID
from xmppd.stanza.kinds import NS_MUC_USER
from xmppd.stanza.stanza import Stanza

NS_OCCUPANT: Final = "urn:xmpp:occupant-id:0"
_CHOICES: Final = {"whois": frozenset((ANYBODY, MODERATORS)), "allow_pm": frozenset(ALLOW_PM)}


def settings_of(wanted: Mapping[str, Any]) -> tuple[RoomSettings, list[str]]:
    """Give the settings with what is *wanted*, by our names, and which of them cannot be had."""
    taken: dict[str, Any] = {}
    left: list[str] = []
    for name, value in wanted.items():
        default = getattr(DEFAULTS, name)
        if isinstance(default, str) and isinstance(value, int | float) and not isinstance(value, bool):
            value = str(value)
        if name == "history" and isinstance(value, int):
            value = min(max(value, 0), KEPT)
        if type(value) is not type(default) or value not in _CHOICES.get(name, (value,)):
            left.append(f"{name} = {value!r}"[:80])
        else:
            taken[name] = value
    return from_mapping(taken), left


def said(address: JID, id: str, at: float, stanza: Stanza, by: JID | None = None, nick: str = "") -> Archived:
    """Give a message of a room's archive: from the nick, without what the other server has added to it.

    Who has said it is *by*, or what the element of the room in it says.
    """
    marks = [child for child in stanza.element.elements() if (child.name, child.ns) == ("x", NS_MUC_USER)]
    by = by or next(filter(None, (_real(mark) for mark in marks)), None)
    sender = jid_or_none(stanza.from_)
    if nick:
        sender = address.with_resource(nick)
    elif sender is None or sender.bare != address.bare:
        sender = address
    ours = stanza.without(lambda ns, name, index: (name, ns) in _ADDED).replace(
        from_=sender.full, to=None, type="groupchat"
    )
    return Archived(id, at, "" if by is None else by.bare, (by and by.resourcepart) or "", ours)


_ADDED: Final = frozenset((("x", NS_MUC_USER), ("occupant-id", NS_OCCUPANT), ("stanza-id", "urn:xmpp:sid:0")))


def _real(mark: Element) -> JID | None:
    item = mark.child("item")
    return None if item is None else jid_or_none(item.get("jid"))

"""muc#admin: lists of roles and affiliations, and changes of them (XEP-0045 8, 9, 10; 14.4)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from xmppd.core.events import IQRequest
from xmppd.modules.muc.invitations import Invitations
from xmppd.modules.muc.nicks import read_nick
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.standing import Asked, Standing
from xmppd.services.rooms.occupants import Occupant
from xmppd.services.rooms.roles import (
    AFFILIATIONS,
    ROLES,
    Affiliation,
    Role,
    check_affiliation_change,
    check_role_change,
)
from xmppd.services.rooms.room import Affiliated, Room
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID, InvalidJID

NS: Final = "http://jabber.org/protocol/muc#admin"
MAX_ITEMS: Final = 500
MAX_REASON: Final = 1_000


@dataclass(frozen=True, slots=True)
class Item:
    """One ``<item/>``: either a role of a nick, or an affiliation of a bare JID."""

    role: Role | None
    affiliation: Affiliation | None
    nick: str | None
    jid: str
    reason: str


class Admin:
    """Answers muc#admin."""

    def __init__(self, parts: MucParts, standing: Standing, invitations: Invitations):
        self._parts = parts
        self._standing = standing
        self._invitations = invitations

    # -- lists (8.5, 9.2, 9.5, 9.8, 10.5, 10.8) -----------------------------------------------------------------------

    async def get(self, request: IQRequest) -> Element:
        """Give who has the role or affiliation that is asked for."""
        room = await self._parts.room_of(request)
        items = [_read_asked(each) for each in _items(request)]
        if len(items) != 1:
            raise StanzaError("bad-request", "One list at a time")
        item = items[0]
        query = Element("query", NS)
        if item.role is not None:
            self._check_sees_roles(room, request.sender)
            query.children.extend(_role_items(room, item.role))
        else:
            assert item.affiliation is not None
            self._check_sees_affiliations(room, request.sender, item.affiliation)
            query.children.extend(_affiliation_items(room, item.affiliation))
        return query

    def _check_sees_roles(self, room: Room, sender: JID) -> None:
        occupant = room.by_jid.get(sender.full)
        is_moderator = occupant is not None and occupant.role is Role.MODERATOR
        if not is_moderator and self._parts.standing(room, sender.bare) < Affiliation.ADMIN:
            raise StanzaError("forbidden")

    def _check_sees_affiliations(self, room: Room, sender: JID, asked: Affiliation) -> None:
        """9.5: admins see all lists; members that of members, and who else the owners let, where JIDs are no secret."""
        standing = self._parts.standing(room, sender.bare)
        if standing >= Affiliation.ADMIN:
            return
        if room.settings.is_anonymous or asked < Affiliation.MEMBER:
            raise StanzaError("forbidden")
        occupant = room.by_jid.get(sender.full)
        is_let = occupant is not None and occupant.role.word in room.settings.get_member_list
        is_let = is_let or (occupant is not None and room.settings.is_members_only)
        if standing < Affiliation.MEMBER and not is_let:
            raise StanzaError("forbidden")

    # -- changes ------------------------------------------------------------------------------------------------------

    async def set(self, request: IQRequest) -> None:
        """Change roles or affiliations: all that is asked, or nothing."""
        room = await self._parts.room_of(request)
        items = [_read_change(each) for each in _items(request)]
        if not items or len(items) > MAX_ITEMS:
            raise StanzaError("bad-request", f"From 1 to {MAX_ITEMS} items")
        async with room.lock:
            if room.is_gone:
                raise StanzaError("item-not-found")
            if all(item.role is not None for item in items):
                self._set_roles(room, request.sender, items)
            elif all(item.affiliation is not None for item in items):
                await self._set_affiliations(room, request.sender, items)
            else:
                raise StanzaError("bad-request", "Roles and affiliations are changed one after the other")

    def _set_roles(self, room: Room, sender: JID, items: list[Item]) -> None:
        actor = room.by_jid.get(sender.full)
        standing = self._parts.standing(room, sender.bare)
        role = Role.NONE if actor is None else actor.role
        changes: list[tuple[Occupant, Role, str]] = []
        for item in items:
            occupant = room.occupants.get(item.nick or "")
            if occupant is None:
                raise StanzaError("item-not-found", "Nobody has this nick")
            assert item.role is not None
            target = (room.affiliation(occupant.bare_jid), occupant.role)
            is_own = actor is occupant and standing >= Affiliation.ADMIN
            if is_own and Role.NONE < item.role < occupant.role:
                raise StanzaError("not-allowed", "The role of admins and owners cannot be taken away")
            check_role_change((standing, role), target, item.role)
            changes.append((occupant, item.role, item.reason))
        for occupant, wanted, reason in changes:
            if occupant.nick in room.occupants:
                self._standing.set_role(room, occupant, wanted, actor.nick if actor else "", reason)

    async def _set_affiliations(self, room: Room, sender: JID, items: list[Item]) -> None:
        actor, standing = room.by_jid.get(sender.full), self._parts.standing(room, sender.bare)
        asked: list[Asked] = []
        for item in items:
            assert item.affiliation is not None
            before = room.affiliations.get(item.jid) or Affiliated(Affiliation.NONE)
            check_affiliation_change(standing, before.affiliation, item.affiliation)
            if item.affiliation is Affiliation.OUTCAST and item.jid in (sender.bare, sender.domainpart):
                raise StanzaError("conflict", "You cannot ban yourself")
            asked.append((item.jid, self._affiliated(room, item, before)))
        present = {occupant.bare_jid for occupant in room.occupants.values()}
        was_none = {jid for jid, _ in asked if room.affiliation(jid) is Affiliation.NONE}
        await self._standing.affiliate(room, asked, actor.nick if actor else "")
        for jid, each in asked:
            is_invited = (
                room.settings.is_members_only and jid in was_none and each.affiliation >= Affiliation.MEMBER
            )
            if jid not in present and is_invited and "@" in jid:
                self._invitations.to_new_member(room, jid, sender.bare)

    def _affiliated(self, room: Room, item: Item, before: Affiliated) -> Affiliated:
        """9.5: a nick that is given is reserved, an empty one is so no more; outcasts have none (9.1)."""
        assert item.affiliation is not None
        nick = before.nick if item.nick is None else item.nick
        if item.affiliation is Affiliation.OUTCAST or item.affiliation is Affiliation.NONE:
            nick = ""
        if item.nick and nick:
            nick = read_nick(nick, self._parts.options.nick_chars)
        if nick and room.reserved_for(nick) not in (None, item.jid):
            raise StanzaError("conflict", "This nick is reserved for somebody else")
        return Affiliated(item.affiliation, nick, item.reason)


def _role_items(room: Room, role: Role) -> Iterator[Element]:
    """14.4 rule 5: nick, role, affiliation, full JID."""
    for occupant in room.occupants.values():
        if occupant.role is role:
            attrs = {
                "affiliation": room.affiliation(occupant.bare_jid).word,
                "jid": occupant.full_jid,
                "nick": occupant.nick,
                "role": role.word,
            }
            yield Element("item", NS, attrs)


def _affiliation_items(room: Room, affiliation: Affiliation) -> Iterator[Element]:
    """14.4 rule 6: affiliation, bare JID, the reserved nick, the reason."""
    for jid, each in sorted(room.affiliated(affiliation)):
        attrs = {"affiliation": affiliation.word, "jid": jid}
        if each.nick:
            attrs["nick"] = each.nick
        children = [Element("reason", NS, None, [each.reason])] if each.reason else []
        yield Element("item", NS, attrs, children)


def _items(request: IQRequest) -> list[Element]:
    return [each for each in request.payload.elements() if (each.ns, each.name) == (NS, "item")]


def _read_asked(element: Element) -> Item:
    """Read what a list is asked for: a role, or an affiliation."""
    item = _read(element)
    if (item.role is None) == (item.affiliation is None) or item.role is Role.NONE:
        raise StanzaError("bad-request", "A role or an affiliation has to be named")
    return item


def _read_change(element: Element) -> Item:
    """14.4 rules 4 – 6: a role with a nick, or an affiliation with a JID, never both."""
    item = _read(element)
    if (item.role is None) == (item.affiliation is None):
        raise StanzaError("bad-request", "Either a role or an affiliation is changed")
    if item.role is not None and not item.nick:
        raise StanzaError("bad-request", "A role is that of a nick")
    if item.affiliation is not None and not item.jid:
        raise StanzaError("bad-request", "An affiliation is that of an address")
    return item


def _read(element: Element) -> Item:
    role, affiliation, jid = element.get("role"), element.get("affiliation"), element.get("jid")
    if role is not None and role not in ROLES:
        raise StanzaError("bad-request", f"There is no role {role!r}")
    if affiliation is not None and affiliation not in AFFILIATIONS:
        raise StanzaError("bad-request", f"There is no affiliation {affiliation!r}")
    try:
        bare_jid = JID.parse(jid).bare if jid else ""
    except InvalidJID as error:
        raise StanzaError("jid-malformed", str(error)) from error
    return Item(
        None if role is None else ROLES[role],
        None if affiliation is None else AFFILIATIONS[affiliation],
        element.get("nick"),
        bare_jid,
        (element.child_text("reason") or "")[:MAX_REASON],
    )

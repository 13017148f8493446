"""Invitations by the room, and how they are declined: XEP-0045 7.8.2. Direct ones (XEP-0249) are the clients' own.

Who invites hears of an account that is none of this server (7.8.2), and of what another server says of its own.

What a room sends on is in the transaction of what it was asked by, so that an invitation that is acknowledged is kept
for whom it is for.
"""

from collections.abc import Iterator
from typing import Final

from xmppd.core.events import Traffic
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.standing import Standing
from xmppd.modules.muc.view import NS_USER, X, user_xml
from xmppd.services.rooms.occupants import Occupant
from xmppd.services.rooms.roles import Affiliation, Role
from xmppd.services.rooms.room import Affiliated, Room
from xmppd.stanza.element import Element, escape_attr, escape_text
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID, InvalidJID
from xmppd.stanza.stanza import Stanza

MAX_INVITED: Final = 20
MAX_REASON: Final = 1_000


class Invitations:
    """Passes invitations and refusals on."""

    def __init__(self, parts: MucParts, standing: Standing):
        self._parts = parts
        self._standing = standing

    async def take(self, traffic: Traffic, room: Room) -> bool:
        """Deal with a message to the room that invites or declines; False for any other."""
        asked = list(_asked(traffic.stanza))
        invites = [each for each in asked if each.name == "invite"]
        declines = [each for each in asked if each.name == "decline"]
        if len(asked) > MAX_INVITED:
            raise StanzaError("not-acceptable", f"At most {MAX_INVITED} at once")
        for each in declines[:1]:
            await self._decline(traffic, room, each)
        if invites:
            await self._invite(traffic, room, invites)
        return bool(asked)

    async def _invite(self, traffic: Traffic, room: Room, invites: list[Element]) -> None:
        occupant = room.by_jid.get(traffic.sender.full)
        standing = self._parts.standing(room, traffic.sender.bare)
        if occupant is None and standing < Affiliation.ADMIN:
            raise StanzaError("not-acceptable", "You are not in the room")
        self._check(room, standing, occupant)
        self._parts.check_pace(room, traffic.sender.bare)
        targets = [_address(each.get("to")) for each in invites]
        router = self._parts.router
        if any(router.is_here(jid.bare) and not router.is_somebody(jid.bare) for jid in targets):
            raise StanzaError("item-not-found", "There is no such account")
        if room.settings.is_members_only:
            await self._make_members(room, targets, "" if occupant is None else occupant.nick)
        for each, target in zip(invites, targets, strict=True):
            sender = (
                traffic.sender.full
                if not room.settings.is_anonymous or occupant is None
                else traffic.sender.bare
            )
            invitation = _invitation(room, sender, target, each, traffic.stanza.id)
            self._parts.passed_on.note(traffic, invitation)
            waiting = router.forward(traffic, invitation, target)
            if waiting is not None:
                await waiting

    def _check(self, room: Room, standing: Affiliation, occupant: Occupant | None) -> None:
        """Into a room of members admins invite, and members where the owners let them (9.5)."""
        if room.settings.is_members_only:
            lowest = Affiliation.MEMBER if room.settings.allow_invites else Affiliation.ADMIN
            if standing < lowest:
                raise StanzaError("forbidden", "You may not invite others into this room")
        elif occupant is not None and occupant.role is Role.VISITOR and room.settings.is_moderated:
            raise StanzaError("forbidden", "Visitors may not invite others into this room")

    async def _make_members(self, room: Room, targets: list[JID], actor: str) -> None:
        """9.5: who is invited into a room of members is one."""
        async with room.lock:
            new = [jid.bare for jid in targets if room.affiliation(jid.bare) is Affiliation.NONE]
            if any(room.affiliation(jid.bare) is Affiliation.OUTCAST for jid in targets):
                raise StanzaError("not-allowed", "Somebody of them is banned")
            if new:
                await self._standing.affiliate(
                    room, [(jid, Affiliated(Affiliation.MEMBER)) for jid in dict.fromkeys(new)], actor
                )

    async def _decline(self, traffic: Traffic, room: Room, decline: Element) -> None:
        target = _address(decline.get("to"))
        inviter = room.affiliation(target.bare) > Affiliation.NONE or any(
            each.bare_jid == target.bare for each in room.occupants.values()
        )
        if not inviter:
            raise StanzaError("item-not-found", "Nobody there has invited you")
        item = _passed_on(decline, "from", traffic.sender.bare)
        message = _message(room, target, user_xml(more=item), traffic.stanza.id)
        waiting = self._parts.router.forward(traffic, message, target)
        if waiting is not None:
            await waiting

    def to_new_member(self, room: Room, jid: str, by: str) -> None:
        """9.3, 9.5: the room invites who has become a member of a room of members."""
        target = JID.of_prepared(jid)
        message = _invitation(room, by, target, Element("invite", NS_USER), self._parts.rooms.next_id())
        self._parts.router.route(message)


def _asked(stanza: Stanza) -> Iterator[Element]:
    for x in stanza.element.elements():
        if (x.ns, x.name) == X:
            yield from (each for each in x.elements() if each.name in ("invite", "decline"))


def _address(text: str | None) -> JID:
    try:
        return JID.parse(text or "")
    except InvalidJID as error:
        raise StanzaError("jid-malformed", str(error)) from error


def _invitation(room: Room, by: str, target: JID, invite: Element, id: str | None) -> Stanza:
    """XEP-0045 7.8.2; 7.9: that it goes on with a conversation is passed on."""
    password = room.settings.password
    more = _passed_on(invite, "from", by)
    if password:
        more += f"<password>{escape_text(password)}</password>"
    return _message(room, target, user_xml(more=more), id)


def _message(room: Room, target: JID, x: bytes, id: str | None) -> Stanza:
    return Stanza("message", target.full, room.address.bare, id, None, None, "", x, (X,))


def _passed_on(element: Element, attr: str, jid: str) -> str:
    """Write an invitation or a refusal as it goes on: by whom, the reason, and which thread it continues."""
    reason = (element.child_text("reason", NS_USER) or "").strip()[:MAX_REASON]
    inner = f"<reason>{escape_text(reason)}</reason>" if reason else ""
    continued = element.child("continue", NS_USER)
    if continued is not None:
        thread = (continued.get("thread") or "")[:MAX_REASON]
        inner += f"<continue thread='{escape_attr(thread)}'/>" if thread else "<continue/>"
    return f"<{element.name} {attr}='{escape_attr(jid)}'>{inner}</{element.name}>"

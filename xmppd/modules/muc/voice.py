"""Asking for voice, and giving it: XEP-0045 7.13, 8.6."""

from typing import Final

from xmppd.core.events import Traffic
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.standing import Standing
from xmppd.services.rooms.occupants import Occupant
from xmppd.services.rooms.roles import Affiliation, Role, check_role_change
from xmppd.services.rooms.room import Room
from xmppd.stanza import forms
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.stanza import Stanza

FORM_TYPE: Final = "http://jabber.org/protocol/muc#request"
ROLE, JID_, NICK, ALLOW = "muc#role", "muc#jid", "muc#roomnick", "muc#request_allow"


class Voice:
    """Takes the forms about voice."""

    def __init__(self, parts: MucParts, standing: Standing):
        self._parts = parts
        self._standing = standing

    async def take(self, traffic: Traffic, room: Room) -> bool:
        """Deal with a message to the room that asks for voice or gives it; False for any other."""
        if (forms.NS, "x") not in traffic.stanza.child_names:
            return False
        try:
            submission = forms.submission_in(traffic.stanza.element)
        except ValueError as error:
            raise StanzaError("bad-request", str(error)) from error
        if submission is None or submission.form_type != FORM_TYPE:
            return False
        occupant = room.by_jid.get(traffic.sender.full)
        if occupant is None:
            raise StanzaError("not-acceptable", "You are not in the room")
        if submission.type == "submit" and ALLOW in submission.values:
            self._answered(room, occupant, submission)
        elif submission.type == "submit":
            self._asked(room, occupant, submission)
        return True

    def _asked(self, room: Room, occupant: Occupant, submission: forms.Submission) -> None:
        """7.13: the moderators are asked; who has voice already has nothing to ask for."""
        if submission.first(ROLE) != Role.PARTICIPANT.word:
            raise StanzaError("bad-request", "The role of a participant can be asked for")
        if not room.settings.allow_voice_requests:
            raise StanzaError("forbidden", "This room takes no requests for voice")
        if occupant.role is not Role.VISITOR:
            raise StanzaError("bad-request", "You have voice")
        self._parts.check_pace(room, occupant.bare_jid)
        moderators = [
            jid for each in room.occupants.values() if each.role is Role.MODERATOR for jid in each.sessions
        ]
        form = _approval(occupant)
        message = Stanza.make("message", form, from_=room.address.bare, id=self._parts.rooms.next_id())
        self._parts.telling.some(room, message, moderators)

    def _answered(self, room: Room, moderator: Occupant, submission: forms.Submission) -> None:
        """8.6: a moderator grants it."""
        occupant = room.occupants.get(submission.first(NICK) or "")
        standing = self._parts.standing(room, moderator.bare_jid)
        if moderator.role is not Role.MODERATOR and standing < Affiliation.ADMIN:
            raise StanzaError("forbidden", "Moderators give voice")
        try:
            is_allowed = submission.flag(ALLOW)
        except ValueError as error:
            raise StanzaError("bad-request", str(error)) from error
        if occupant is None:
            raise StanzaError("item-not-found", "Nobody has this nick")
        if not is_allowed or occupant.role is not Role.VISITOR:
            return
        target = (room.affiliation(occupant.bare_jid), occupant.role)
        check_role_change((standing, moderator.role), target, Role.PARTICIPANT)
        self._standing.set_role(room, occupant, Role.PARTICIPANT, moderator.nick, "")


def _approval(occupant: Occupant) -> Element:
    fields = [
        forms.field(ROLE, "list-single", (Role.PARTICIPANT.word,), label="Requested role"),
        forms.field(JID_, "jid-single", (occupant.full_jid,), label="Address"),
        forms.field(NICK, "text-single", (occupant.nick,), label="Nick"),
        forms.field(ALLOW, "boolean", ("false",), label="Grant voice to this person?"),
    ]
    return forms.form("form", FORM_TYPE, fields, title="Request for voice")

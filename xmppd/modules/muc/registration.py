"""Becoming a member with a nick of one's own: XEP-0045 7.10, by XEP-0077."""

from typing import Final

from xmppd.core.events import IQRequest
from xmppd.modules.muc.nicks import read_nick
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.standing import Standing
from xmppd.services.rooms.roles import Affiliation
from xmppd.services.rooms.room import Affiliated, Room
from xmppd.stanza import forms
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError

NS: Final = "jabber:iq:register"
FORM_TYPE: Final = "http://jabber.org/protocol/muc#register"
NICK: Final = "muc#register_roomnick"


class Registration:
    """Registers users with rooms."""

    def __init__(self, parts: MucParts, standing: Standing):
        self._parts = parts
        self._standing = standing

    async def get(self, request: IQRequest) -> Element:
        """Give the form, or the nick that one has already."""
        room = await self._parts.room_of(request)
        known = self._check(room, request.sender.bare)
        if known is not None and known.nick:
            return Element(
                "query", NS, None, [Element("registered", NS), Element("username", NS, None, [known.nick])]
            )
        field = forms.field(NICK, "text-single", label="Nick", extra=[Element("required", forms.NS)])
        form = forms.form("form", FORM_TYPE, [field], title=f"Registration with {room.address.bare}")
        return Element("query", NS, None, [form])

    async def set(self, request: IQRequest) -> None:
        """Register: who has no affiliation is a member from now on, the nick is theirs; or remove that again."""
        room, bare_jid = await self._parts.room_of(request), request.sender.bare
        async with room.lock:
            if room.is_gone:
                raise StanzaError("item-not-found")
            known = self._check(room, bare_jid)
            if request.payload.child("remove") is not None:
                if known is not None:
                    await self._standing.affiliate(room, [(bare_jid, _without(known))], "")
                return
            nick = self._nick(request)
            if room.reserved_for(nick) not in (None, bare_jid) or room.looks_like(nick, bare_jid):
                raise StanzaError("conflict", "Somebody else has this nick")
            affiliation = known.affiliation if known is not None else Affiliation.MEMBER
            await self._standing.affiliate(room, [(bare_jid, Affiliated(affiliation, nick))], "")

    def _check(self, room: Room, bare_jid: str) -> Affiliated | None:
        """Raise `StanzaError` unless somebody may register; give what is known of them."""
        if room.affiliation(bare_jid) is Affiliation.OUTCAST:
            raise StanzaError("forbidden", "You are banned from this room")
        known = room.affiliations.get(bare_jid)
        if known is None and not room.settings.lets_register:
            raise StanzaError("not-allowed", "Members are made by admins here")
        return known

    def _nick(self, request: IQRequest) -> str:
        try:
            submission = forms.submission_in(request.payload)
        except ValueError as error:
            raise StanzaError("bad-request", str(error)) from error
        if submission is None or submission.type != "submit" or submission.form_type != FORM_TYPE:
            raise StanzaError("bad-request", "A form with a nick has to be submitted")
        return read_nick(submission.first(NICK) or "", self._parts.options.nick_chars)


def _without(known: Affiliated) -> Affiliated:
    """Members are none any more; admins and owners stay, without the nick."""
    if known.affiliation is Affiliation.MEMBER:
        return Affiliated(Affiliation.NONE)
    return known._replace(nick="")

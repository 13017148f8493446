"""Occupants that are there no more without having said so: XEP-0045 15.1.2 "Ghost Users".

Rules that live here: a delivery-related error removes who sent it, any other does not; to a request it is reason to
ask, since clients mean other things by these conditions too. Who is of another server and has sent nothing for
``silent_s`` is asked by a ping (XEP-0199); a delivery-related error removes it from all rooms. Any other answer says
that somebody is there, but for service-unavailable: that is what a server says for a resource that it does not have
(RFC 6121 8.5.3.2), and what a client says that knows no pings. So two questions have to be answered that way, and a
message that is refused with it is reason to ask at once. Where no answer comes its server is asked: a client whose
connection is lost for a while (XEP-0198) cannot answer and is no ghost, for its server tells when it is gone; a server
that does not answer either is gone with all who are there. Who is heard meanwhile stays.
"""

from typing import Final

from xmppd.core.events import Traffic
from xmppd.core.waiting import spawn
from xmppd.modules.muc.entering import UNREACHABLE, Entering
from xmppd.modules.muc.parts import MucParts
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.ns import CLIENT, STANZA_ERRORS
from xmppd.stanza.stanza import Stanza

GONE: Final = frozenset(
    (
        "gone",
        "item-not-found",
        "recipient-unavailable",
        "redirect",
        "remote-server-not-found",
        "remote-server-timeout",
    )
)
"""The delivery-related errors of the XEP."""
UNSURE: Final = "service-unavailable"
UNANSWERED: Final = "remote-server-timeout"
QUESTIONS: Final = (
    Element("ping", "urn:xmpp:ping"),
    Element("query", "http://jabber.org/protocol/disco#info"),
)
MOST_ASKED: Final = 100
"""So many are asked at the same time."""
LOOKS: Final = 4
"""So many times within ``silent_s`` is looked who has been silent."""
MOST_S: Final = 60.0


class Ghosts:
    """Removes who is not there any more."""

    def __init__(self, parts: MucParts, entering: Entering):
        self._parts = parts
        self._remotes = parts.remotes
        self._entering = entering
        timers, silent_s = parts.api.timers, parts.options.silent_s
        self._every_s = min(silent_s / LOOKS, MOST_S)
        self._timer = timers.add(self._every_s, self._look) if silent_s else None

    def stop(self) -> None:
        """Ask nobody any more."""
        if self._timer is not None:
            self._parts.api.timers.stop(self._timer)

    def error(self, traffic: Traffic) -> None:
        """Look at an error in answer to what a room has sent."""
        room = self._parts.rooms.loaded.get(traffic.target.bare)
        full_jid = traffic.sender.full
        if room is None or full_jid not in room.by_jid:
            return
        condition = condition_of(traffic.stanza)
        if condition in GONE:
            self._entering.leave(room, full_jid, change=UNREACHABLE)
        elif condition == UNSURE:
            self._ask(full_jid)

    def doubt(self, full_jid: str, condition: str) -> None:
        """A request to an occupant was refused: ask whether it is there, where the *condition* may say no."""
        if condition in GONE or condition == UNSURE:
            self._ask(full_jid)

    def _look(self, now: float, timer: object, param: object) -> float:
        for full_jid in self._remotes.silent(self._parts.options.silent_s):
            self._ask(full_jid)
        return self._every_s

    def _ask(self, full_jid: str) -> None:
        if self._remotes.ask(full_jid):
            spawn("asking an occupant whether it is there", self._asked(full_jid))

    async def _asked(self, full_jid: str) -> None:
        began_at, (room, *_) = self._remotes.seconds(), self._remotes.rooms_of(full_jid)
        is_there = False
        try:
            is_there = await self._is_there(room, full_jid)
        finally:
            self._remotes.answered(full_jid)
        if is_there:
            self._remotes.heard(full_jid)
        elif self._remotes.is_silent_since(full_jid, began_at):
            for address in self._remotes.rooms_of(full_jid):
                found = self._parts.rooms.loaded.get(address)
                if found is not None:
                    self._entering.lost(found, (full_jid,))

    async def _is_there(self, room: str, full_jid: str) -> bool:
        for question in QUESTIONS:
            condition = await self._answer(room, full_jid, question)
            if condition == UNANSWERED:
                return await self._answer(room, JID.of_prepared(full_jid).domainpart, question) not in GONE
            if condition != UNSURE:
                return condition not in GONE
        return False

    async def _answer(self, room: str, to: str, question: Element) -> str:
        """Ask, and give the condition of the error that comes; empty where a result does."""
        asked = Stanza.make("iq", question, from_=room, to=to, type="get", id=self._parts.rooms.next_id())
        try:
            await self._parts.way.request(asked, self._parts.options.answer_s)
        except StanzaError as error:
            return error.condition
        return ""


def condition_of(stanza: Stanza) -> str:
    """Give the defined condition of an error (RFC 6120 8.3.3); empty where it has none."""
    error = stanza.child("error", CLIENT)
    found = [each.name for each in error.elements() if each.ns == STANZA_ERRORS] if error is not None else []
    return found[0] if found else ""

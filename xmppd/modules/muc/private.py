"""What occupants send to one another: private messages (XEP-0045 7.5), IQs (14.4), pings of oneself (XEP-0410)."""

from typing import Final

from twisted.internet.defer import Deferred

from xmppd.core.domains.door import Taken
from xmppd.core.events import Traffic
from xmppd.core.iq import IQ_REQUESTS
from xmppd.core.waiting import deferred
from xmppd.modules.muc.ghosts import Ghosts
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.view import OCCUPANT_ID, X, cleaned
from xmppd.services.rooms.occupants import Occupant
from xmppd.services.rooms.room import Room
from xmppd.services.rooms.settings import ALLOW_PM
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.kinds import NS_HINTS
from xmppd.stanza.stanza import Stanza

NS_PING: Final = "urn:xmpp:ping"
OF_THE_ACCOUNT: Final = frozenset(("vcard-temp", "http://jabber.org/protocol/pubsub"))
"""What an occupant's account answers, not its client."""
DISCO: Final = frozenset(("http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items"))
MARK: Final = b"<x xmlns='http://jabber.org/protocol/muc#user'/>"
ONCE: Final = f"<no-store xmlns='{NS_HINTS}'/><no-copy xmlns='{NS_HINTS}'/>".encode()
IQ_TIMEOUT_S: Final = 60.0


class Private:
    """Passes on what is for one occupant."""

    def __init__(self, parts: MucParts, ghosts: Ghosts):
        self._parts = parts
        self._ghosts = ghosts
        self._rooms = parts.rooms

    def _both(self, traffic: Traffic) -> tuple[Room, Occupant, Occupant]:
        """Give the room, who sends, and whom it is for; not-acceptable, item-not-found (7.5)."""
        room = self._rooms.loaded.get(traffic.target.bare)
        sender = None if room is None else room.by_jid.get(traffic.sender.full)
        if room is None or sender is None:
            raise StanzaError("not-acceptable", "You are not in the room")
        target = room.occupants.get(traffic.target.resourcepart or "")
        if target is None:
            raise StanzaError("item-not-found", "Nobody has this nick")
        return room, sender, target

    def _is_there(self, traffic: Traffic) -> bool:
        room = self._rooms.loaded.get(traffic.target.bare)
        return room is not None and traffic.sender.full in room.by_jid

    # -- messages (7.5) -----------------------------------------------------------------------------------------------

    def message(self, traffic: Traffic) -> Taken:
        """Pass a private message on, to each session of who it is for."""
        if traffic.stanza.type == "groupchat":
            raise StanzaError("bad-request", "What is for one is not of type groupchat")
        room, sender, target = self._both(traffic)
        lowest = ALLOW_PM[room.settings.allow_pm]
        if lowest is None or sender.role < lowest:
            raise StanzaError("forbidden", "You may not send private messages here")
        self._parts.check_pace(room, sender.bare_jid)
        message = _marked(cleaned(traffic.stanza, room.address.bare), sender)
        waits: list[Deferred[None]] = []
        for index, jid in enumerate(reversed(target.sessions)):
            copy = (message if not index else _more(message)).replace(to=jid)
            if not index:
                self._parts.passed_on.note(traffic, copy)
            waiting = self._parts.router.forward(traffic, copy, JID.of_prepared(jid))
            if waiting is not None:
                waits.append(waiting)
        return True if not waits else _all(waits)

    # -- IQs (14.4) ---------------------------------------------------------------------------------------------------

    def iq(self, traffic: Traffic) -> Taken:
        """Pass a request on to who it is for and the answer back; a ping of oneself is answered here (XEP-0410 3.3)."""
        stanza = traffic.stanza
        if stanza.type not in IQ_REQUESTS:
            return True
        namespace, _ = stanza.child_names[0]
        if namespace in DISCO and not self._is_there(traffic):
            raise StanzaError("bad-request", "You are not in the room")  # 6.6
        room, sender, target = self._both(traffic)
        if sender is target and namespace == NS_PING:
            self._parts.router.route(stanza.result())
            return True
        jid = target.bare_jid if namespace in OF_THE_ACCOUNT else target.full_jid
        asked = cleaned(stanza, room.address.bare).replace(
            from_=sender.occupant_jid, to=jid, id=self._rooms.next_id()
        )
        answer = self._parts.way.request(asked, IQ_TIMEOUT_S)
        answer.addCallbacks(
            lambda result: self._answered(stanza, result),
            lambda failure: self._refused(traffic, jid, failure.value),
        )
        return True

    def _answered(self, stanza: Stanza, result: Stanza) -> None:
        self._parts.router.route(result.replace(from_=stanza.to, to=stanza.from_, id=stanza.id))

    def _refused(self, traffic: Traffic, jid: str, error: BaseException) -> None:
        known = error if isinstance(error, StanzaError) else StanzaError("internal-server-error")
        self._ghosts.doubt(jid, known.condition)
        self._parts.router.refuse(traffic.stanza, known, traffic.origin)


def _marked(stanza: Stanza, sender: Occupant) -> Stanza:
    """7.5: as it comes to the other: from the occupant, with the mark of a private message."""
    inner = b"%b%b%b" % (stanza.inner, sender.id_xml, MARK)
    names = (*stanza.child_names, OCCUPANT_ID, X)
    return Stanza("message", None, sender.occupant_jid, stanza.id, stanza.type, stanza.lang, "", inner, names)


def _more(stanza: Stanza) -> Stanza:
    """The same for another session of the same account, which keeps it once."""
    names = (*stanza.child_names, (NS_HINTS, "no-store"), (NS_HINTS, "no-copy"))
    return Stanza(
        "message", None, stanza.from_, stanza.id, stanza.type, stanza.lang, "", stanza.inner + ONCE, names
    )


@deferred
async def _all(waits: "list[Deferred[None]]") -> bool:
    for waiting in waits:
        await waiting
    return True

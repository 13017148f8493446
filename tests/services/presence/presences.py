"""What the tests of presence need: accounts that know each other, and their sessions on connections that keep all."""

from typing import Any
from xml.etree.ElementTree import fromstring

from xmppd.core.events import Traffic
from xmppd.core.session import Session
from xmppd.services.presence.presence import Presence
from xmppd.services.roster.items import RosterItem, encode
from xmppd.services.roster.roster import STORE
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Put
from xmppd.testing.doors import FakeDoor
from xmppd.testing.server import MemoryServer, now
from xmppd.testing.sessions import FakeConnection, bound_session, written

STANZA = Stanza.make("presence", b"<show>away</show>")


class PresenceWorld:
    """A server in memory whose clients are bound sessions; `routed` is what left for other servers."""

    def __init__(self, options: str = "") -> None:
        self.memory = MemoryServer(options)
        self.server = self.memory.server
        self.presence = self.server.services[Presence]
        self.routed: list[Stanza] = []
        self.server.router.remote.open(FakeDoor(self._remote))

    def _remote(self, traffic: Traffic) -> bool:
        self.routed.append(traffic.stanza)
        return True

    def know(self, owner: str, *contacts: str, subscription: str = "both") -> None:
        """Put contacts into a roster that is not loaded."""
        now(
            self.memory.storage.commit(
                *(
                    Put(STORE, owner, jid, encode(RosterItem(jid, subscription=subscription)))
                    for jid in contacts
                )
            )
        )

    def befriend(self, owner: str, *contacts: str) -> None:
        """Let an account and others see each other's presence."""
        self.know(owner, *contacts)
        for contact in contacts:
            self.know(contact, owner)

    def bind(self, full_jid: str) -> Session:
        """Give a connected resource that is not available."""
        session = bound_session(self.server.registry, full_jid)
        loaded = self.server.rosters.load(JID.parse(full_jid).bare)
        while not loaded.called:
            self.turn()
        session.roster = now(loaded)
        return session

    def come(self, full_jid: str, *, priority: int = 0) -> Session:
        """Give an available resource; all have been told, and nobody has kept it."""
        session = self.bind(full_jid)
        self.send(session, Stanza.make("presence", b"<priority>%d</priority>" % priority))
        self.turns()
        for other in self.server.registry:
            written(other)
        return session

    def send(self, session: Session, stanza: Stanza = STANZA) -> Any:
        """Let a client send *stanza*; give what its next one waits for."""
        return self.server.router.from_client(session, stanza)

    def directed(self, session: Session, to: str, type: str | None = None) -> None:
        """Let a client send presence to somebody."""
        self.send(session, Stanza.make("presence", to=to, type=type))

    def lose(self, session: Session) -> None:
        """End a session as if its connection were lost."""
        self.server.registry.destroy(session)

    def turn(self, seconds: float = 0.05) -> None:
        """Let one turn of the reactor pass: unlike `Clock.advance`, what is due at once waits for the next."""
        clock = self.memory.clock
        clock.rightNow += seconds
        for call in [call for call in clock.calls if call.getTime() <= clock.rightNow]:
            if call.active():
                clock.calls.remove(call)
                call.called = 1
                call.func(*call.args, **call.kw)

    def turns(self, count: int = 200) -> None:
        """Let turns of the reactor pass."""
        for _ in range(count):
            self.turn()


def seen(session: Session) -> list[str]:
    """Give the presence that a session has got since the last look: who, and its type unless available."""
    conn = session.conn
    assert isinstance(conn, FakeConnection)
    return read(conn.clear())


def read(data: bytes) -> list[str]:
    """Give the presence in *data*: who, and its type unless available, "then" for one that is older."""
    told = []
    for element in fromstring(b"<x xmlns='jabber:client'>" + data + b"</x>").iter("{jabber:client}presence"):
        is_old = element.find("{urn:xmpp:delay}delay") is not None
        words = (element.get("from"), element.get("type"), "then" if is_old else None)
        told.append(" ".join(word for word in words if word))
    return told

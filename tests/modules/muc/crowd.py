"""Very many clients in memory: sessions whose connections count what they are written, and parse none of it."""

from twisted.internet.defer import Deferred

from xmppd.core.session import Session
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.stream.framing import TCPFraming
from xmppd.testing.server import MemoryServer

JOIN = b"<x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>"


class Counting:
    """A connection that keeps what is written to it while somebody looks."""

    unsent_bytes = 0

    def __init__(self) -> None:
        self.writes = 0
        self.kept: list[bytes] | None = None

    def write(self, data: bytes) -> None:
        """Count *data*."""
        self.writes += 1
        if self.kept is not None:
            self.kept.append(data)

    def loseConnection(self) -> None:
        """Nothing to lose."""


class Crowd:
    """Clients of one server, without the accounts behind them."""

    def __init__(self, server: MemoryServer, room: str):
        self.server = server
        self.room = room
        self.sessions: list[Session] = []
        self.connections: list[Counting] = []

    def add(self, count: int) -> None:
        """So many more clients are connected."""
        registry = self.server.server.registry
        for number in range(len(self.sessions), len(self.sessions) + count):
            connection = Counting()
            session = Session(connection, TCPFraming(), registry)
            session.notopen, session.type = False, "c2s"
            registry.bind(session, JID.parse(f"c{number}@localhost/r"))
            self.sessions.append(session)
            self.connections.append(connection)

    def send(self, number: int, stanza: Stanza) -> None:
        """Let a client send something; what is put off stays so."""
        result = self.server.server.router.from_client(self.sessions[number], stanza)
        if isinstance(result, Deferred):
            result.addErrback(lambda failure: None)

    def enter(self, number: int) -> None:
        """Let a client enter the room, by its number as its nick."""
        self.send(number, Stanza.make("presence", JOIN, to=f"{self.room}/c{number}"))

    def writes(self) -> int:
        """Give how many stanzas all of them were written."""
        return sum(each.writes for each in self.connections)

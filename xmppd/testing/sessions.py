"""What many tests need: sessions without a network."""

from xmppd.core.registry import SessionRegistry
from xmppd.core.session import Session
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.stream.framing import TCPFraming


class FakeConnection:
    """A connection that keeps what is written."""

    unsent_bytes = 0

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_lost = False

    @property
    def data(self) -> bytes:
        """All that was written, in order."""
        return b"".join(self.written)

    def write(self, data: bytes) -> None:
        """Keep *data*."""
        self.written.append(data)

    def loseConnection(self) -> None:
        """Note that the connection is dropped."""
        self.is_lost = True

    def clear(self) -> bytes:
        """Give what was written and forget it."""
        data = self.data
        self.written.clear()
        return data


class FakeRoster:
    """A roster that is there, and nothing else."""


def new_session(registry: SessionRegistry) -> Session:
    """Give a session as it is right after accept, on a `FakeConnection`."""
    return Session(FakeConnection(), TCPFraming(), registry)


def bound_session(registry: SessionRegistry, full_jid: str, priority: int | None = None) -> Session:
    """Give a connected resource on a `FakeConnection`, available where a *priority* is given."""
    session = new_session(registry)
    session.notopen = False
    session.type = "c2s"
    session.roster = FakeRoster()
    registry.bind(session, JID.parse(full_jid))
    if priority is not None:
        session.priority = priority
        session.presence = Stanza.make("presence", from_=full_jid)
    return session


def written(session: Session) -> bytes:
    """Give what was written to a session's `FakeConnection` since the last call."""
    assert isinstance(session.conn, FakeConnection)
    return session.conn.clear()

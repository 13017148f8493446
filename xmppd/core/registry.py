"""The session registry: the only writer of its indexes (full JID, bare JID), and of a session's end."""

from collections.abc import Callable, Iterable, Iterator

from xmppd.core.counters import stanzas
from xmppd.core.session import Session
from xmppd.core.shrink import shrink
from xmppd.core.stream import Sendable
from xmppd.stanza.jid import JID


class SessionRegistry:
    """Who is connected. Shared by all that accept clients: TCP, WebSocket, BOSH."""

    def __init__(self, on_unbound: Callable[[Session, str | None], None] = lambda session, status: None):
        """*on_unbound(session, status)* is told of each connected resource that left, while its fields still stand."""
        self.by_full: dict[str, Session] = {}
        self._by_bare: dict[str, tuple[Session, ...]] = {}
        self._most = 0
        self.on_unbound = on_unbound
        self.sent = stanzas()
        """What was sent to sessions, with a connection or without, since the start."""
        self.is_closing = False
        """Whether the server is about to end all sessions, so that nothing is to be moved from one to another."""

    def __len__(self) -> int:
        return len(self.by_full)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self.by_full.values()))

    def get(self, full_jid: str) -> Session | None:
        """Give the connected resource with this full JID."""
        return self.by_full.get(full_jid)

    def resources(self, bare_jid: str) -> tuple[Session, ...]:
        """Give all connected resources of an account, oldest first; empty when none is."""
        return self._by_bare.get(bare_jid, ())

    def accounts(self) -> Iterable[str]:
        """Give the bare JIDs of all accounts with a connected resource."""
        return list(self._by_bare)

    def now_and_at_most(self) -> tuple[int, int]:
        """Give how many connected resources there are, and how many there were at most since this was asked last."""
        count = len(self.by_full)
        most, self._most = self._most, count
        return count, most

    def bind(self, session: Session, jid: JID) -> None:
        """Make *session* the connected resource *jid*. The name must be free: ValueError otherwise."""
        if jid.full in self.by_full or jid.resourcepart is None:
            raise ValueError(f"{jid.full} cannot be bound")
        session.jid = jid
        session.username, session.host, session.resource = jid.localpart, jid.domainpart, jid.resourcepart
        session.full_jid = jid.full
        session.bare_jid = jid.bare
        self.by_full[jid.full] = session
        self._by_bare[jid.bare] = (*self._by_bare.get(jid.bare, ()), session)
        self._most = max(self._most, len(self.by_full))

    def unbind(self, session: Session) -> bool:
        """Take *session* out of the indexes; say whether it was in them."""
        full_jid, bare_jid = session.full_jid, session.bare_jid
        if full_jid is None or bare_jid is None or self.by_full.get(full_jid) is not session:
            return False
        del self.by_full[full_jid]
        left = tuple(other for other in self._by_bare[bare_jid] if other is not session)
        if left:
            self._by_bare[bare_jid] = left
        else:
            del self._by_bare[bare_jid]
        return True

    def destroy(self, session: Session, status: str | None = None) -> None:
        """End a session's life: out of the indexes, others are told with *status*, a resting object stays.

        Harmless the second time, also from within what is told.
        """
        if self.unbind(session):
            self.on_unbound(session, status)
        session.reset()

    def release_memory(self) -> None:
        """Take no more memory than those that are there need."""
        shrink(self.by_full, self._by_bare)

    def send_to_available_resources(self, bare_jid: str, x: Sendable) -> int:
        """Send *x* to each available resource of an account; give their number."""
        return _send_to([session for session in self.resources(bare_jid) if session.presence is not None], x)

    def send_to_interested_resources(self, bare_jid: str, x: Sendable) -> int:
        """Send *x* to each interested resource of an account; give their number."""
        return _send_to([session for session in self.resources(bare_jid) if session.interested], x)


def _send_to(sessions: list[Session], x: Sendable) -> int:
    for session in sessions:
        session.send(x)
    return len(sessions)

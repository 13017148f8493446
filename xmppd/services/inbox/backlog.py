"""One session that is being handed what waits for its account, and what has come for it meanwhile."""

from collections import deque
from typing import NamedTuple

from xmppd.core.session import Session
from xmppd.services.inbox.machine import Claim, Record
from xmppd.stanza.stanza import Stanza


class Due(NamedTuple):
    """What a session is given next, or behind what is stored; without a record it is a carbon of what is not stored."""

    stanza: Stanza
    record: Record | None
    came_at: float

    @property
    def is_stored(self) -> bool:
        """Whether it is read from the store as well."""
        return self.record is not None and self.record.is_stored


class Backlog:
    """A session that is being handed what waits, and what has come for it meanwhile."""

    __slots__ = (
        "behind",
        "claim",
        "is_given_up",
        "is_owed",
        "is_rest",
        "is_started",
        "is_unread",
        "live",
        "live_bytes",
        "live_ids",
        "session",
        "told",
    )

    def __init__(self, session: Session, key: str):
        self.session = session
        self.claim = Claim(key)
        self.is_started = self.is_given_up = False
        self.is_unread = True
        """Whether the store may have something for it."""
        self.told: int | None = None
        """When it was told last that something may wait, as it was when the store was read."""
        self.is_rest = False
        """Whether something is kept for a client of before the start."""
        self.is_owed = False
        """Whether something is another session's due."""
        self.live: deque[Due] = deque()
        self.live_ids: set[str] = set()
        self.live_bytes = 0
        self.behind: dict[Session, None] = {}  # those that have come meanwhile

    @property
    def is_taking(self) -> bool:
        """Whether its session may be handed messages."""
        session = self.session
        is_able = session.presence is not None and session.priority >= 0 and self.is_reachable
        return is_able and not self.is_given_up

    @property
    def is_reachable(self) -> bool:
        """Whether what its session is sent may still arrive."""
        session = self.session
        return session.is_connected and (session.conn is not None or session.ledger is not None)

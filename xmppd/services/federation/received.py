"""What comes from other servers, counted and acknowledged (XEP-0198 4): when all that it changed is on disk.

The count of the latest stream of each pair of domains is kept with what its stanzas change, so that a peer that
resumes after a crash of ours is told what arrived. Store ``s2s_received``; the owner is a part of our domain.
"""

from collections.abc import Callable
from typing import Final

from xmppd.core.bounded import Bounded
from xmppd.storage.interface import Change, Put, Storage, StorageError, part_of
from xmppd.stream.acks import Incoming

STORE: Final = "s2s_received"
NS: Final = "urn:xmpp:sm:3"
KEPT: Final = 2_000
"""Streams that have ended and may be resumed."""


class ReceivedLedger:
    """Counts one peer's stanzas, over several streams if it resumes: an `xmppd.core.inlet.Acknowledger`."""

    __slots__ = ("_latest", "_owed", "_owner", "_storage", "end_stream", "id", "incoming", "send")

    def __init__(self, id: str, owner: str, storage: Storage):
        self.id = id
        self.incoming = Incoming(is_recorded=True)
        self.send: Callable[[bytes], object] = _nowhere
        """What writes to the stream that it is for now."""
        self.end_stream: Callable[[], object] = _nothing
        """Ends that stream: another goes on."""
        self._owner = owner
        self._storage = storage
        self._owed: int | None = None
        """What the oldest request asks for that is not answered."""
        self._latest = 0
        """The same of the latest one."""

    @property
    def is_over(self) -> bool:
        """It outlives its streams."""
        return False

    def routing(self, changes: list[Change]) -> None:
        """The count goes into the transaction of a stanza that changes anything."""
        if changes:
            changes.append(self._record(self.incoming.next))

    def handled(self, is_waiting: bool) -> None:
        """Count a stanza."""
        self.incoming.count(is_waiting)

    def decided(self, is_kept: bool) -> None:
        """The oldest commit is decided."""
        self.incoming.decided(is_kept)
        self._look()

    def requested(self) -> None:
        """Answer ``<r/>``, now or when all that came before it is committed, and the count with it."""
        self._latest = self.incoming.handled
        if self._owed is None:
            self._owed = self._latest
        self._look()

    def _look(self) -> None:
        incoming, owed = self.incoming, self._owed
        if owed is None:
            return
        if incoming.covers(owed):
            self.send(f"<a xmlns='{NS}' h='{incoming.committed}'/>".encode())
            self._owed = owed = None if incoming.covers(self._latest) else self._latest
        if owed is not None and incoming.is_settled:
            incoming.recording()
            self._storage.submit([self._record(incoming.handled)], self._recorded)

    def _recorded(self, error: StorageError | None) -> None:
        self.incoming.decided(error is None)
        if error is None:
            self._look()

    def _record(self, count: int) -> Put:
        return Put(STORE, self._owner, "", f"{self.id} {count}".encode())


class Received:
    """The ledgers of all peers."""

    def __init__(self, storage: Storage, new_id: Callable[[], str]):
        self._storage = storage
        self._new_id = new_id
        self._by_id: Bounded[tuple[str, str, str], ReceivedLedger] = Bounded(KEPT)

    def begin(self, ours: str, theirs: str) -> ReceivedLedger:
        """Give a ledger for a stream of *theirs* to *ours*."""
        return self.adopt(ours, theirs, self._new_id())

    def adopt(self, ours: str, theirs: str, id: str) -> ReceivedLedger:
        """The same for what comes back on a stream of ours to *theirs*, which they call *id*; "" where they do not."""
        ledger = ReceivedLedger(id or self._new_id(), part_of(ours, theirs), self._storage)
        self._by_id.keep((ours, theirs, ledger.id), ledger)
        return ledger

    def find(self, ours: str, theirs: str, id: str) -> ReceivedLedger | None:
        """Give the ledger of an earlier stream of this pair; None where it is not known any more."""
        return self._by_id.get((ours, theirs, id))

    async def count_of(self, ours: str, theirs: str, id: str) -> int | None:
        """Give how many stanzas of a stream of an earlier run are kept; None where that is not known."""
        value = await self._storage.get(STORE, part_of(ours, theirs), is_fresh=True)
        known, _, count = (value or b"").decode().partition(" ")
        return int(count) if known == id and count.isdigit() else None


def _nowhere(data: bytes) -> None:
    return None


def _nothing() -> None:
    return None

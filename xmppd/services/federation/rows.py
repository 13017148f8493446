"""The durable half of the queues: one entry for each message that its sender may take for accepted.

Store ``s2s_queue``; the owner is a part of our domain, named by the other one. An entry goes when its message has
arrived or was bounced; many go in one change.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from twisted.logger import Logger

from xmppd.core.timers import Timers
from xmppd.services.federation.outbound import Item
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import (
    MAX_PAGE,
    Append,
    Change,
    Decided,
    DeleteEntries,
    NewEntry,
    Replace,
    Selection,
    Storage,
    StorageError,
    part_of,
)

STORE: Final = "s2s_queue"
PULSE_S: Final = 0.1
"""How long entries that are done wait for others."""
AT_ONCE: Final = 500
"""So many do not wait."""


class Kept(NamedTuple):
    """One message of an earlier run."""

    row: str
    at: float
    stanza: Stanza
    mark: bytes
    """Which it was on which stream, if it was sent."""


class Rows:
    """Entries of all pairs."""

    _log = Logger()

    def __init__(self, storage: Storage, timers: Timers, new_id: Callable[[], str]):
        self._storage = storage
        self._timers = timers
        self.new_id = new_id
        self._done: dict[tuple[str, str], list[str]] = {}
        self._count = 0
        self._is_timed = False

    def keeping(self, ours: str, theirs: str, row: str, stanza: Stanza, at: float, mark: bytes) -> Append:
        """Give the change that keeps *stanza* under the id *row*; *mark* says which it is on which stream."""
        return Append(STORE, part_of(ours, theirs), NewEntry(row, at, "", stanza.to_bytes(), mark))

    def keep(
        self, pair: tuple[str, str], items: Iterable[Item], changes: Sequence[Change], decided: Decided
    ) -> None:
        """Commit *changes*, and an entry for each of *items*."""
        kept = []
        for item in items:
            item.row = self.new_id()
            kept.append(self.keeping(*pair, item.row, item.stanza, item.at, item.mark))
        self._storage.submit((*changes, *kept), decided)

    def settle(self, changes: Sequence[Change], decided: Decided) -> None:
        """Commit *changes* alone; where there are none, *decided* comes when all that was committed before is."""
        if changes or self._storage.backlog:
            self._storage.submit(changes, decided)
        else:
            decided(None)

    def number(self, ours: str, theirs: str, items: Iterable[Item], then: Decided) -> None:
        """Write into the rows of some items what their marks say; *then* they may be sent."""
        owner = part_of(ours, theirs)
        changes = [
            Replace(STORE, owner, item.row, item.stanza.to_bytes(), item.mark) for item in items if item.row
        ]
        if changes:
            self._storage.submit(changes, then)
        else:
            then(None)

    def done(self, ours: str, theirs: str, rows: Iterable[str]) -> None:
        """These are not needed any more."""
        kept = self._done.setdefault((ours, theirs), [])
        before = len(kept)
        kept.extend(row for row in rows if row)
        self._count += len(kept) - before
        if self._count >= AT_ONCE:
            self.flush()
        elif self._count and not self._is_timed:
            self._is_timed = True
            self._timers.add(PULSE_S, self._rings)

    def flush(self) -> None:
        """Let them go now."""
        done, self._done, self._count = self._done, {}, 0
        changes = [DeleteEntries(STORE, part_of(*pair), ids=tuple(ids)) for pair, ids in done.items() if ids]
        if changes:
            self._storage.submit(changes, self._decided)

    def _rings(self, now: float, timer: object, param: None) -> None:
        self._is_timed = False
        self.flush()

    def _decided(self, error: StorageError | None) -> None:
        """What stays because of *error* is sent once more after a restart."""
        if error is not None:
            self._log.warn(
                "Entries of queues to other servers could not be removed: {error}", error=str(error)
            )

    async def pairs_of(self, ours: str) -> list[str]:
        """Give the other domains that something of *ours* waits for."""
        found: list[str] = []
        page = await self._storage.parts(STORE, ours)
        while page:
            found += page
            page = await self._storage.parts(STORE, ours, after=page[-1]) if len(page) == MAX_PAGE else []
        return found

    async def load(self, ours: str, theirs: str) -> list[Kept]:
        """Give what waits from an earlier run, oldest first."""
        owner, found, after = part_of(ours, theirs), [], 0
        while page := await self._storage.read(STORE, owner, Selection(after=after), limit=MAX_PAGE):
            found += page
            after = page[-1].seq
        return [Kept(entry.id, entry.sent_at, Stanza.parse(entry.stanza), entry.extra) for entry in found]

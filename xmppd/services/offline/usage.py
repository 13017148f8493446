"""How much waits for each account in a store of entries, without asking the storage for every message.

Each entry's ``extra`` holds the sum of the sizes of all entries up to it, so that the sum of those that are left is
found from the first and the last; a name may stand behind it. The tallies of the latest used accounts are kept in
memory, and the names of all for whom anything may wait: nothing is read at the login of the others.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection

from xmppd.core.waiting import deferred
from xmppd.storage.interface import Entry, Storage

REMEMBERED = 10_000
"""Of so many accounts the tally is kept."""
STALE_AFTER_S = 60.0
"""A tally that says "full" and is older than this is counted anew: a commit may have failed since."""


class Tally:
    """What waits for one account: number, sum of sizes, and the running sum that the next entry continues."""

    __slots__ = ("counted_at", "messages", "running", "size_bytes")

    def __init__(self, messages: int, size_bytes: int, running: int, counted_at: float):
        self.messages = messages
        self.size_bytes = size_bytes
        self.running = running
        self.counted_at = counted_at

    def add(self, size_bytes: int, name: str = "") -> bytes:
        """Count one more; gives what its entry has to keep, with its *name* if it has one."""
        self.messages += 1
        self.size_bytes += size_bytes
        self.running += size_bytes
        return f"{self.running} {name}".encode() if name else b"%d" % self.running


class Tallies:
    """The tallies of the accounts used last."""

    def __init__(self, storage: Storage, store: str, now: Callable[[], float]):
        self._storage = storage
        self._store = store
        self._now = now
        self._known: OrderedDict[str, Tally] = OrderedDict()
        self._owners: set[str] = set()
        """Who may have entries; who has none may be among them, nobody is missing once that is learnt."""
        self._is_learning = self._is_learnt = False

    @deferred
    async def learn(self) -> None:
        """Read once for whom anything waits; until that is done, each is asked for. Waits; `StorageError`."""
        if not self._is_learning:
            self._is_learning = True
            self._owners.update(await self._storage.owners(self._store))
            self._is_learnt = True

    def is_empty(self, owner: str) -> bool:
        """Whether it is known that nothing waits for *owner*."""
        tally = self._known.get(owner)
        if tally is not None:
            return not tally.messages
        return self._is_learnt and owner not in self._owners

    def get(self, owner: str) -> Tally | None:
        """Give the tally of *owner* if it is known, to count on from."""
        tally = self._known.get(owner)
        if tally is None and self.is_empty(owner):
            return self._keep(owner, Tally(0, 0, 0, self._now()))
        return tally

    def forget(self, owner: str) -> None:
        """Count anew when it is asked for again."""
        self._known.pop(owner, None)

    def remove(self, owner: str, sizes: Collection[int]) -> None:
        """Entries of these *sizes* are gone."""
        tally = self._known.get(owner)
        if tally is not None:
            tally.messages = max(0, tally.messages - len(sizes))
            tally.size_bytes = max(0, tally.size_bytes - sum(sizes))

    def emptied(self, owner: str, running: int | None) -> None:
        """All that waited for *owner* is gone, unless something came since its running sum was *running*.

        None: the tally was not known then.
        """
        tally = self._known.get(owner)
        if (None if tally is None else tally.running) == running:
            self._known.pop(owner, None)
            if self._is_learnt:
                self._owners.discard(owner)
            else:
                self._keep(owner, Tally(0, 0, 0, self._now()))

    def is_stale(self, tally: Tally) -> bool:
        """Whether a tally that says "full" should be counted anew."""
        return self._now() - tally.counted_at >= STALE_AFTER_S

    @deferred
    async def load(self, owner: str) -> Tally:
        """Count what waits for *owner*. Waits for the storage; `StorageError`."""
        if self._storage.backlog:
            await self._storage.commit()
        newest = await self._storage.read(self._store, owner, limit=1, reverse=True)
        tally = Tally(0, 0, 0, self._now())
        if newest:
            oldest = await self._storage.read(self._store, owner, limit=1)
            messages = await self._storage.count(self._store, owner)
            running = _running(newest[0])
            before = _running(oldest[0]) - len(oldest[0].stanza) if oldest else 0
            tally = Tally(messages, max(0, running - before), running, self._now())
        return self._keep(owner, tally)

    def _keep(self, owner: str, tally: Tally) -> Tally:
        known = self._known.get(owner)
        if known is not None:  # loaded by another call meanwhile, and it has counted on since
            return known
        self._known[owner] = tally
        self._owners.add(owner)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return tally


def name_of(entry: Entry) -> str:
    """Give the name that `Tally.add` was told for *entry*; "" where it was told none."""
    return entry.extra.partition(b" ")[2].decode(errors="replace")


def _running(entry: Entry) -> int:
    total = entry.extra.partition(b" ")[0]
    return int(total) if total.isdigit() else len(entry.stanza)

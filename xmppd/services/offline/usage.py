"""How much waits for each account in a store of entries, without asking the storage for every message.

Each entry's ``extra`` holds the sum of the sizes of all entries up to it, so that the sum of those that are left is
found from the first and the last; a name may stand behind it. The usages of the latest used accounts are kept in
memory, and the names of all for whom anything may wait: nothing is read at the login of the others.
"""

from collections.abc import Callable, Collection

from twisted.internet.defer import Deferred

from xmppd.core.bounded import Bounded
from xmppd.core.waiting import deferred
from xmppd.storage.interface import Entry, Selection, Storage
from xmppd.storage.pages import all_owners

REMEMBERED = 10_000
"""Of so many accounts the usage is kept."""
STALE_AFTER_S = 60.0
"""A usage that says "full" and is older than this is counted anew: a commit may have failed since."""


class Usage:
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


class Usages:
    """The usages of the accounts used last."""

    def __init__(self, storage: Storage, store: str, now: Callable[[], float]):
        self._storage = storage
        self._store = store
        self._now = now
        self._known: Bounded[str, Usage] = Bounded(REMEMBERED)
        self._owners: set[str] = set()
        """Who may have entries; who has none may be among them, nobody is missing once that is learnt."""
        self._is_learning = self._is_learnt = False

    @deferred
    async def learn(self) -> None:
        """Read once for whom anything waits; until that is done, each is asked for. Waits; `StorageError`."""
        if not self._is_learning:
            self._is_learning = True
            self._owners.update(await all_owners(self._storage, self._store))
            self._is_learnt = True

    def is_empty(self, owner: str) -> bool:
        """Whether it is known that nothing waits for *owner*."""
        usage = self._known.get(owner)
        if usage is not None:
            return not usage.messages
        return self._is_learnt and owner not in self._owners

    def get(self, owner: str) -> Usage | None:
        """Give the usage of *owner* if it is known, to count on from."""
        usage = self._known.get(owner)
        if usage is None and self.is_empty(owner):
            return self._keep(owner, Usage(0, 0, 0, self._now()))
        return usage

    def forget(self, owner: str) -> None:
        """Count anew when it is asked for again."""
        self._known.pop(owner, None)

    def remove(self, owner: str, sizes: Collection[int]) -> None:
        """Entries of these *sizes* are gone."""
        usage = self._known.get(owner)
        if usage is not None:
            usage.messages = max(0, usage.messages - len(sizes))
            usage.size_bytes = max(0, usage.size_bytes - sum(sizes))

    def emptied(self, owner: str, running: int | None) -> None:
        """All that waited for *owner* is gone, unless something came since its running sum was *running*.

        None: the usage was not known then.
        """
        usage = self._known.get(owner)
        if (None if usage is None else usage.running) == running:
            self._known.pop(owner, None)
            if self._is_learnt:
                self._owners.discard(owner)
            else:
                self._keep(owner, Usage(0, 0, 0, self._now()))

    def is_stale(self, usage: Usage) -> bool:
        """Whether a usage that says "full" should be counted anew."""
        return self._now() - usage.counted_at >= STALE_AFTER_S

    @deferred
    async def load(self, owner: str) -> Usage:
        """Count what waits for *owner*. Waits for the storage; `StorageError`."""
        newest = await self._storage.read(self._store, owner, limit=1, reverse=True, is_fresh=True)
        usage = Usage(0, 0, 0, self._now())
        if newest:
            oldest = await self._storage.read(self._store, owner, limit=1)
            messages = await self._storage.count(self._store, owner)
            running = _running(newest[0])
            before = _running(oldest[0]) - len(oldest[0].stanza) if oldest else 0
            usage = Usage(messages, max(0, running - before), running, self._now())
        return self._keep(owner, usage)

    def entries(self, owner: str, after: int, limit: int) -> Deferred[list[Entry]]:
        """Give a page of what waits for *owner* behind seq *after*; the first one holds all that came until now.

        Waits; `StorageError`.
        """
        return self._storage.read(self._store, owner, Selection(after=after), limit=limit, is_fresh=not after)

    def _keep(self, owner: str, usage: Usage) -> Usage:
        known = self._known.get(owner)
        if known is not None:  # loaded by another call meanwhile, and it has counted on since
            return known
        self._known.keep(owner, usage)
        self._owners.add(owner)
        return usage


def name_of(entry: Entry) -> str:
    """Give the name that `Usage.add` was told for *entry*; "" where it was told none."""
    return entry.extra.partition(b" ")[2].decode(errors="replace")


def _running(entry: Entry) -> int:
    total = entry.extra.partition(b" ")[0]
    return int(total) if total.isdigit() else len(entry.stanza)

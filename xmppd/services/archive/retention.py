"""How long messages stay in the archives of a host: by age and by number, oldest first, in small batches."""

from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.core.timers import Timer, Timers
from xmppd.core.waiting import spawn
from xmppd.services.archive.ids import STORE
from xmppd.storage.interface import DeleteEntries, Selection, Storage, StorageError
from xmppd.storage.pages import all_owners

BATCH = 200
"""Entries deleted in one transaction."""
PAUSE_S = 0.1
"""Between two batches, and between so many archives as `ARCHIVES`."""
ARCHIVES = 20
FIRST_AFTER_S = 300.0
EVERY_S = 6 * 3_600.0
DAY_S = 86_400.0


class Rules(NamedTuple):
    """What stays: 0 is no limit."""

    days: int
    messages: int


class Retention:
    """Goes over all archives of a host from time to time."""

    _log = Logger()

    def __init__(
        self,
        storage: Storage,
        timers: Timers,
        now: Callable[[], float],
        host: str,
        rules: Rules,
        on_sweeping: Callable[[str], Deferred[None]],
        on_swept: Callable[[str], Deferred[None]] | None = None,
    ):
        """*now* is wall time in seconds since 1970.

        *on_sweeping* is told of an archive before messages leave it, and waited for; *on_swept* when some have left.
        """
        self._storage = storage
        self._timers = timers
        self._now = now
        self._host = host
        self._rules = rules
        self._on_sweeping = on_sweeping
        self._on_swept = on_swept
        self._timer: Timer | None = None
        self._is_running = False

    def start(self) -> None:
        """Begin, unless everything is kept."""
        if self._rules != Rules(0, 0):
            self._timer = self._timers.add(FIRST_AFTER_S, self._due)

    def stop(self) -> None:
        """End after the batch that is being deleted."""
        if self._timer is not None:
            self._timers.stop(self._timer)
            self._timer = None

    def _due(self, now: float, timer: Timer, param: object) -> float:
        if not self._is_running:
            spawn("letting go of old messages", self.sweep())
        return EVERY_S

    async def sweep(self) -> None:
        """Go over all archives once. Waits between batches."""
        self._is_running = True
        try:
            owners = await all_owners(self._storage, STORE)
            for index, owner in enumerate(o for o in owners if o.rpartition("@")[2] == self._host):
                if self._timer is None:
                    return
                await self._sweep_archive(owner)
                if index % ARCHIVES == ARCHIVES - 1:
                    await self._timers.wait(PAUSE_S)
        except StorageError as error:
            self._log.error("Old messages stay for now: {error}", error=str(error))
        finally:
            self._is_running = False

    async def _sweep_archive(self, owner: str) -> None:
        oldest_at = self._now() - self._rules.days * DAY_S if self._rules.days else None
        keep = self._rules.messages or None
        is_swept = False
        while self._timer is not None and await self._has_too_much(owner, oldest_at, keep):
            is_swept = True
            await self._on_sweeping(owner)
            await self._storage.commit(
                DeleteEntries(STORE, owner, older_than=oldest_at, keep=keep, limit=BATCH)
            )
            await self._timers.wait(PAUSE_S)
        if is_swept and self._on_swept is not None:
            await self._on_swept(owner)

    async def _has_too_much(self, owner: str, oldest_at: float | None, keep: int | None) -> bool:
        if oldest_at is not None:
            older = await self._storage.count(STORE, owner, Selection(end=oldest_at - TICK_S), limit=1)
            if older:
                return True
        return keep is not None and await self._storage.count(STORE, owner, limit=keep + 1) > keep


TICK_S = 0.001
"""Times in archives are multiples of it."""

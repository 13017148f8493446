"""Sessions that have ended, and how much of them was handled: of before the server's last start, and since.

A client that cannot resume such a session has the one that it binds then in its place, and gets what the other one has
left; see `xmppd.services.inbox.delivery.Earlier`.
"""

from collections.abc import Callable
from typing import Final

from xmppd.core.attachment import Attachment
from xmppd.core.bounded import Bounded
from xmppd.core.session import Session
from xmppd.core.waiting import deferred
from xmppd.services.stream_management.records import SESSIONS, Key, Record, read_record
from xmppd.storage.interface import Delete, Storage
from xmppd.storage.pages import all_owners

CLAIM: Final = Attachment[str]("sm_previous")
"""Under this name a session keeps the id of the one that it could not resume."""
REMEMBERED: Final = 10_000
"""Of so many sessions that have ended it is kept how much of them was handled."""
RECORD_S: Final = 7 * 86_400
"""So long it can be told how much of a session was handled."""


class EarlierSessions:
    """Finds them in the storage."""

    def __init__(self, storage: Storage, is_alive: Callable[[str], bool], now: Callable[[], float]):
        """*is_alive(id)*: whether there is a session with this id; *now* is wall time in seconds since 1970."""
        self._storage = storage
        self._is_alive = is_alive
        self._now = now
        self.ended: Bounded[str, str] = Bounded(REMEMBERED)
        """The accounts of those that have ended since the start, by their ids."""

    def remember(self, key: Key) -> Delete | None:
        """A session has ended; gives what lets the oldest of those be forgotten."""
        forgotten = self.ended.keep(key.session_id, key.owner)
        return None if forgotten is None else Delete(SESSIONS, forgotten[1], forgotten[0])

    @deferred
    async def sessions(self, owner: str) -> dict[str, str]:
        """Give the resources of an account's sessions of before the start, by id. Waits; `StorageError`."""
        records = await self._records(owner)
        return {
            id: record.resource
            for id, record in records.items()
            if id not in self.ended and not self._is_alive(id)
        }

    def claimed(self, session: Session) -> str | None:
        """Give the id of the session that a client could not resume."""
        return session.attached(CLAIM)

    async def handled(self, owner: str, session_id: str) -> int | None:
        """Give how many stanzas of a session were handled, None where that is not known. Waits; `StorageError`."""
        data = await self._storage.get(SESSIONS, owner, session_id, is_fresh=True)
        record = None if data is None else read_record(data)
        return None if record is None else record.handled

    @deferred
    async def sweep(self) -> None:
        """Let go of what is too old to be asked for. Waits for the commits; `StorageError`."""
        oldest = self._now() - RECORD_S
        for owner in await all_owners(self._storage, SESSIONS):
            records = await self._records(owner)
            old = [
                Delete(SESSIONS, owner, id)
                for id, record in records.items()
                if record.at < oldest and not self._is_alive(id)
            ]
            if old:
                await self._storage.commit(*old)

    async def _records(self, owner: str) -> dict[str, Record]:
        found = await self._storage.get_all(SESSIONS, owner)
        records = {id: read_record(data) for id, data in found.items()}
        return {id: record for id, record in records.items() if record is not None}

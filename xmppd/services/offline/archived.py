"""Which of the messages that wait for an account its archive holds, too: they have the same id in both."""

from xmppd.services.archive.ids import STORE as ARCHIVE
from xmppd.services.offline.delivery import STORE
from xmppd.storage.interface import Storage, UnknownEntry

BATCH = 100
MAX_UNKNOWN = 50
"""After so many that the archive does not hold no more are looked for: they are delivered as ever."""


async def archived_of(storage: Storage, owner: str) -> list[str]:
    """Give the ids of waiting messages that are in the archive; perhaps not of all of them. Waits for the storage."""
    if storage.backlog:
        await storage.commit()
    archived: list[str] = []
    unknown: set[str] = set()
    last, is_more = 0, True
    while is_more and len(unknown) <= MAX_UNKNOWN:
        entries = await storage.read(STORE, owner, after=last, limit=BATCH)
        is_more = len(entries) == BATCH
        if entries:
            last = entries[-1].seq
        archived += await _known(storage, owner, [entry.id for entry in entries if entry.id], unknown)
    return archived


async def _known(storage: Storage, owner: str, ids: list[str], unknown: set[str]) -> list[str]:
    while ids and len(unknown) <= MAX_UNKNOWN:
        try:
            await storage.read_ids(ARCHIVE, owner, ids)
        except UnknownEntry as error:
            unknown.add(error.entry_id)
            ids = [id for id in ids if id not in unknown]
        else:
            return ids
    return []

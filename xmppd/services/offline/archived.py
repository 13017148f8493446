"""Which of the messages that wait for an account its archive holds, too: they have the same id in both."""

from xmppd.services.archive.ids import STORE as ARCHIVE
from xmppd.services.offline.delivery import STORE
from xmppd.storage.interface import Selection, Storage

BATCH = 100
MAX_UNKNOWN = 50
"""After so many that the archive does not hold no more are looked for: they are delivered as ever."""


async def archived_of(storage: Storage, owner: str) -> list[str]:
    """Give the ids of waiting messages that are in the archive; perhaps not of all of them. Waits for the storage."""
    archived: list[str] = []
    last, unknown, is_more = 0, 0, True
    while is_more and unknown <= MAX_UNKNOWN:
        entries = await storage.read(STORE, owner, Selection(after=last), limit=BATCH, is_fresh=not last)
        is_more = len(entries) == BATCH
        if entries:
            last = entries[-1].seq
        ids = [entry.id for entry in entries if entry.id]
        known = [entry.id for entry in await storage.read_ids(ARCHIVE, owner, ids)]
        archived += known
        unknown += len(ids) - len(known)
    return archived

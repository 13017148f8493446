"""The messages that records of an inbox stand for: in the account's archive, or in the record itself."""

from collections.abc import Iterable

from xmppd.services.archive.ids import STORE as ARCHIVE
from xmppd.services.inbox.records import STORE
from xmppd.services.inbox.store import Placed
from xmppd.stanza.stanza import Stanza
from xmppd.stanza.stanza_ids import with_stanza_id
from xmppd.storage.interface import Storage


async def contents_of(
    storage: Storage, owner: str, those: Iterable[Placed]
) -> dict[int, Stanza | ValueError]:
    """Give the messages by their places, or why one cannot be read back. Waits; `StorageError`."""
    ids = [each.entry.id for each in those if not each.entry.stanza]
    archived = {} if not ids else await _by_id(storage, ARCHIVE, owner, ids)
    left = [id for id in ids if id not in archived]
    parted = (
        {} if not left else await _by_id(storage, STORE, owner, left)
    )  # they may have got their content meanwhile
    found: dict[int, Stanza | ValueError] = {}
    for seq, _, entry in those:
        data = entry.stanza or archived.get(entry.id) or parted.get(entry.id, b"")
        try:
            stanza = Stanza.parse(data)
        except ValueError as error:
            found[seq] = error
        else:
            found[seq] = with_stanza_id(stanza, owner, entry.id) if entry.id in archived else stanza
    return found


async def _by_id(storage: Storage, store: str, owner: str, ids: list[str]) -> dict[str, bytes]:
    return {entry.id: entry.stanza for entry in await storage.read_ids(store, owner, ids, is_fresh=True)}

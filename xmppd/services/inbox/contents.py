"""The messages that records of an inbox stand for: in the account's archive, or in the record itself."""

from collections.abc import Iterable

from xmppd.services.archive.ids import STORE as ARCHIVE
from xmppd.services.inbox.records import STORE, encode
from xmppd.services.inbox.store import Placed, Records
from xmppd.stanza.stanza import Stanza
from xmppd.stanza.stanza_ids import with_stanza_id
from xmppd.storage.interface import Change, Replace, Storage


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


async def part_from_archive(records: Records, storage: Storage, owner: str) -> None:
    """Messages are about to leave an archive: records that refer to it get their content. Waits; `StorageError`."""
    async for page in records.pages(owner):
        those = [placed for placed in page if placed.record.is_archived]
        contents = await contents_of(storage, owner, those) if those else {}
        changes: list[Change] = []
        for seq, record, _ in those:
            stanza = contents.get(seq)
            if isinstance(stanza, Stanza):
                data = stanza.to_bytes()
                record.is_archived, record.size_bytes = False, len(data)
                changes.append(Replace(STORE, owner, record.id, data, encode(record)))
        if changes:
            records.forget_usage(owner)
            await storage.commit(*changes)


async def _by_id(storage: Storage, store: str, owner: str, ids: list[str]) -> dict[str, bytes]:
    return {entry.id: entry.stanza for entry in await storage.read_ids(store, owner, ids, is_fresh=True)}

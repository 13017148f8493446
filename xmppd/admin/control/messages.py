"""What does the operations on messages that are kept."""

from datetime import UTC, datetime
from typing import Final, TypedDict

from xmppd.admin.control.names import address, existing_account
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.admin.operations.messages import Purged
from xmppd.core.operations.running import Progress, does
from xmppd.core.waiting import deferred
from xmppd.services.archive.ids import STORE as ARCHIVE
from xmppd.services.archive.search import ArchiveSearch
from xmppd.services.inbox.contents import contents_of
from xmppd.services.inbox.inbox import Inbox
from xmppd.services.inbox.machine import Record
from xmppd.services.inbox.records import STORE as INBOX
from xmppd.services.inbox.records import read
from xmppd.services.inbox.store import Placed
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import DeleteEntries, Selection, Storage

BATCH: Final = 500
PAUSE_S: Final = 0.01
SHOWN: Final = 1_000
"""Waiting messages that are listed at most."""
DAY_S: Final = 86_400


class WaitingRow(TypedDict):
    """One message that waits; nothing of what it says."""

    id: str
    came: str
    sender: str
    kind: str
    size: int
    state: str


@does("archive.purge")
@deferred
async def archive_purge(parts: ControlParts, jid: str, progress: Progress, days: int | None = None) -> Purged:
    """Remove messages from the archive of an account, or of all accounts of a host; tells how many so far."""
    who = address(parts.hosts, jid)
    if not who.is_bare:
        raise ControlError("bad-arguments", f"{jid} names a resource; the archive is {who.bare}'s")
    await parts.accounts.ready()
    if who.localpart is not None:
        owners = [(await existing_account(parts, jid)).bare]
    else:
        owners = parts.accounts.of_host(who.domainpart)
    older_than = None if days is None else parts.now() - days * DAY_S
    gone = 0
    for owner in owners:
        gone += await _purge_archive(parts, owner, older_than)
        progress(gone)
    return {"jid": who.bare, "messages": gone}


@does("offline.show")
@deferred
async def offline_show(parts: ControlParts, jid: str) -> list[WaitingRow]:
    """Give what waits for an account, the oldest first."""
    owner = (await existing_account(parts, jid)).bare
    found = await _waiting(parts.storage, owner)
    contents = await contents_of(parts.storage, owner, found)
    return [_row(placed, contents.get(placed.seq)) for placed in found]


@does("offline.purge")
@deferred
async def offline_purge(parts: ControlParts, jid: str) -> Purged:
    """Remove what waits for an account that is not connected."""
    account = await existing_account(parts, jid)
    if parts.registry.resources(account.bare):
        remedy = f"to end its sessions: xmppctl session kick {account.bare}"
        raise ControlError("connected", f"{account.bare} is connected, and is given what waits; {remedy}")
    found = await _waiting(parts.storage, account.bare)
    await parts.storage.commit(DeleteEntries(INBOX, account.bare, seqs=[placed.seq for placed in found]))
    parts.services[Inbox].let_go(account)
    return {"jid": account.bare, "messages": len(found)}


async def _purge_archive(parts: ControlParts, owner: str, older_than: float | None) -> int:
    """Go in batches, so that nobody waits for it; what waits for its account gets its content first."""
    storage, gone = parts.storage, 0
    selection = Selection() if older_than is None else Selection(end=older_than)
    while True:
        entries = await storage.read(ARCHIVE, owner, selection, limit=BATCH)
        if not entries:
            break
        await parts.services[Inbox].part_from_archive(owner)
        await storage.commit(DeleteEntries(ARCHIVE, owner, seqs=[entry.seq for entry in entries]))
        gone += len(entries)
        await parts.timers.wait(PAUSE_S)
    search = parts.services[ArchiveSearch]
    if gone and search.is_used:
        await search.swept(owner)
    return gone


async def _waiting(storage: Storage, owner: str) -> list[Placed]:
    entries = await storage.read(INBOX, owner, limit=SHOWN, is_fresh=True)
    found = [Placed(entry.seq, read(owner, entry), entry) for entry in entries]
    return [placed for placed in found if not placed.record.is_done]


def _row(placed: Placed, content: Stanza | ValueError | None) -> WaitingRow:
    stanza = content if isinstance(content, Stanza) else None
    return {
        "id": placed.entry.id,
        "came": datetime.fromtimestamp(placed.entry.sent_at, UTC).isoformat(timespec="seconds"),
        "sender": "" if stanza is None else stanza.from_ or "",
        "kind": "unreadable" if stanza is None else stanza.type or "normal",
        "size": len(placed.entry.stanza) if stanza is None else len(stanza.to_bytes()),
        "state": _state(placed.record),
    }


def _state(record: Record) -> str:
    return "held by " + ", ".join(record.holders) if record.holders else "waits"

"""What sessions of before the server's last start have left in the durable queues, and who gets it.

Rules that live here:

- a client that comes back to its session by name (a resumption that failed) or by its resource gets what it has not
  acknowledged, at its first non-negative presence, before all that is stored since;
- a client of which nothing is known gets what all of the account's sessions have left; so does everybody once it is too
  late for a resumption. Then a copy of a message that another session has acknowledged is done with;
- a client gets each message once, with the stanza-id it had.

Nothing of this is read before somebody comes but for whom something is left.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from twisted.logger import Logger

from xmppd.core.attachment import Attachment
from xmppd.core.session import Session
from xmppd.core.waiting import deferred
from xmppd.core.window import Window
from xmppd.services.archive.ids import STORE as ARCHIVE
from xmppd.services.stream_management.records import (
    QUEUE,
    SESSIONS,
    Queued,
    Record,
    read_queued,
    read_record,
)
from xmppd.stanza.stanza import Stanza
from xmppd.stanza.stanza_ids import with_stanza_id
from xmppd.storage.interface import Change, Delete, DeleteEntries, Entry, Replace, Selection, Storage
from xmppd.storage.pages import all_owners
from xmppd.stream.acks import is_up_to

PAGE: Final = 100
CLAIM: Final = Attachment[str]("sm_previous")
"""Under this name a session keeps the id of the one that it could not resume."""
RESERVED_S: Final = 600.0
"""So long after the start what a session has left waits for its own client, if others are known to be others."""
RECORD_S: Final = 7 * 86_400
"""So long it can be told how much of a session was handled."""


class Page(NamedTuple):
    """Messages for a session, in order, and what takes them out of the queues."""

    messages: list[tuple[Stanza, float]]
    changes: list[Change]
    last: int
    """The place of the last entry looked at."""


class _Claims(NamedTuple):
    """Which ended sessions somebody gets."""

    ids: frozenset[str]
    resource: str
    takes_all: bool
    is_late: bool


class _Choice(NamedTuple):
    """What becomes of the copies of one message."""

    first: int
    """The place of the first of them."""
    taken: Queued | None
    """The one that somebody gets."""
    doomed: list[int]
    """The places of those that are done with then."""


class EndedQueues:
    """Finds what sessions of before have left; see `xmppd.services.offline.delivery.Others`."""

    _log = Logger()

    def __init__(self, storage: Storage, is_alive: Callable[[str], bool], now: Callable[[], float]):
        """*is_alive(id)*: whether there is a session with this id; *now* is wall time in seconds since 1970."""
        self._storage = storage
        self._is_alive = is_alive
        self._now = now
        self._started_at = now()
        self._owners: set[str] = set()
        """For whom something may be left; nobody is missing once that is learnt."""
        self._is_learning = self._is_learnt = False

    @deferred
    async def learn(self) -> None:
        """Read once for whom anything is left; until that is done, each is asked for. Waits; `StorageError`."""
        if not self._is_learning:
            self._is_learning = True
            self._owners.update(await all_owners(self._storage, QUEUE))
            self._is_learnt = True

    # -- for the hand-over --------------------------------------------------------------------------------------------

    def may_have(self, owner: str) -> bool:
        """Whether something may be left for an account; answers at once."""
        return not self._is_learnt or owner in self._owners

    @deferred
    async def page(self, session: Session, after: int, window: Window) -> Page | None:
        """Give what *session* gets next, behind place *after*, within *window*; None if that is all. `StorageError`."""
        owner = session.bare_jid or ""
        entries = await self._storage.read(
            QUEUE, owner, Selection(after=after), limit=PAGE + 1, is_fresh=not after
        )
        if not entries:
            if not after:
                self._owners.discard(owner)
            return None
        claims = await self._claims(session)
        last, rows = entries[-1].seq, self._dead(entries)
        if len(entries) > PAGE and rows and rows[-1].seq == last:  # its copies may be on the next page
            rows = [row for row in rows if row.message != rows[-1].message]
            last = rows[-1].seq if rows else entries[-2].seq
        return await self._fitting(owner, _choose(rows, claims), last, window)

    async def _fitting(self, owner: str, choices: Sequence[_Choice], last: int, window: Window) -> Page:
        """Make the page of as many messages as fit into *window*."""
        found = await self._messages(owner, [choice.taken for choice in choices if choice.taken is not None])
        fitting = window.fitting(len(stanza.inner) for stanza, _ in found.values())
        messages: list[tuple[Stanza, float]] = []
        doomed: list[int] = []
        for choice in choices:
            message = None if choice.taken is None else found.get(choice.taken.seq)
            if message is not None:
                if len(messages) == fitting:
                    last = choice.first - 1
                    break
                messages.append(message)
            doomed += choice.doomed
        changes: list[Change] = [DeleteEntries(QUEUE, owner, seqs=tuple(doomed))] if doomed else []
        return Page(messages, changes, last)

    @deferred
    async def emptied(self, session: Session) -> float | None:
        """All pages were handed over. Give after how many seconds the rest may be given to anybody; None: no rest."""
        owner, after = session.bare_jid or "", 0
        while self.may_have(owner):
            entries = await self._storage.read(QUEUE, owner, Selection(after=after), limit=PAGE)
            if self._dead(entries):
                return max(0.0, self._started_at + RESERVED_S - self._now()) + 1.0
            if not entries:
                self._owners.discard(owner)
                return None
            after = entries[-1].seq
        return None

    @deferred
    async def fetched(self, session: Session, ids: Sequence[str] | None) -> None:
        """*session* has got these from the archive, None: gets all that is there, and is not given them again.

        Waits for the commit; `StorageError`.
        """
        owner, wanted = session.bare_jid or "", None if ids is None else frozenset(ids)
        if not self.may_have(owner):
            return
        claims = await self._claims(session)
        after, doomed = 0, []
        while entries := await self._storage.read(QUEUE, owner, Selection(after=after), limit=PAGE):
            rows = [
                row
                for row in self._dead(entries)
                if row.archive_id and (wanted is None or row.archive_id in wanted)
            ]
            doomed += [row.seq for row in rows if claims.takes_all or _is_claimed(row, claims)]
            after = entries[-1].seq
        if doomed:
            await self._storage.commit(DeleteEntries(QUEUE, owner, seqs=tuple(doomed)))

    @deferred
    async def part_from_archive(self, owner: str) -> None:
        """Messages are about to leave an archive: entries that refer to it get their content. Waits; `StorageError`."""
        after = 0
        while entries := await self._storage.read(QUEUE, owner, Selection(after=after), limit=PAGE):
            after, ids = entries[-1].seq, {entry.seq: entry.id for entry in entries}
            rows = [row for row in self._rows(entries) if row.archive_id]
            found = await self._messages(owner, rows)
            changes = [
                Replace(QUEUE, owner, ids[row.seq], found[row.seq][0].to_bytes(), b"%d " % row.copies)
                for row in rows
                if row.seq in found
            ]
            if changes:
                await self._storage.commit(*changes)

    def suspect(self, owner: str) -> None:
        """Something has been left for an account now."""
        self._owners.add(owner)

    # -- for a resumption that fails ----------------------------------------------------------------------------------

    @deferred
    async def drop(self, owner: str, session_id: str, h: int) -> int | None:
        """A client has handled all up to *h* of a session that is gone: forget it. Waits for the commit.

        Gives how many of the client's stanzas were handled, None for a session that is not known; `StorageError`.
        """
        data = await self._storage.get(SESSIONS, owner, session_id, is_fresh=True)
        record = None if data is None else _readable(data)
        after, handled = 0, []
        is_known = record is not None
        while entries := await self._storage.read(QUEUE, owner, Selection(after=after), limit=PAGE):
            rows = [row for row in self._dead(entries) if row.session_id == session_id]
            is_known = is_known or bool(rows)
            handled += [row.seq for row in rows if row.number is not None and is_up_to(row.number, h)]
            after = entries[-1].seq
        if handled:
            await self._storage.commit(DeleteEntries(QUEUE, owner, seqs=tuple(handled)))
        if not is_known:
            return None
        return 0 if record is None else record.handled

    @deferred
    async def sweep(self) -> None:
        """Let go of what is too old to be asked for. Waits for the commits; `StorageError`."""
        oldest = self._now() - RECORD_S
        for owner in await all_owners(self._storage, SESSIONS):
            records = await self._records(owner)
            old = [Delete(SESSIONS, owner, id) for id, record in records.items() if record.at < oldest]
            if old:
                await self._storage.commit(*old)

    # -- the rest -----------------------------------------------------------------------------------------------------

    async def _claims(self, session: Session) -> _Claims:
        """What the account's sessions of before are to this one."""
        owner, resource = session.bare_jid or "", session.resource or ""
        records = await self._records(owner)
        ids = {id for id, record in records.items() if record.resource == resource}
        if claim := session.attached(CLAIM):
            ids.add(claim)
        is_late = self._now() >= self._started_at + RESERVED_S
        return _Claims(frozenset(ids), resource, is_late or not ids, is_late)

    async def _records(self, owner: str) -> dict[str, Record]:
        found = await self._storage.get_all(SESSIONS, owner)
        records = {id: _readable(data) for id, data in found.items() if not self._is_alive(id)}
        return {id: record for id, record in records.items() if record is not None}

    def _dead(self, entries: Iterable[Entry]) -> list[Queued]:
        """The entries of sessions that are gone."""
        return [row for row in self._rows(entries) if not self._is_alive(row.session_id)]

    def _rows(self, entries: Iterable[Entry]) -> list[Queued]:
        rows = []
        for entry in entries:
            try:
                rows.append(read_queued(entry))
            except ValueError as error:
                self._log.error("An entry of a queue cannot be read: {error}", error=str(error))
        return rows

    async def _messages(self, owner: str, rows: Sequence[Queued]) -> dict[int, tuple[Stanza, float]]:
        """What *rows* stand for, by their places; what cannot be read back is missing."""
        archived = await self._archived(owner, [row.archive_id for row in rows if row.archive_id])
        messages = {}
        for row in rows:
            data = archived.get(row.archive_id) if row.archive_id else row.data
            try:
                stanza = Stanza.parse(data or b"")
            except ValueError as error:
                self._log.error(
                    "A message for {owner} cannot be read back: {error}", owner=owner, error=str(error)
                )
                continue
            if row.archive_id:
                stanza = with_stanza_id(stanza, owner, row.archive_id)
            messages[row.seq] = (stanza, row.sent_at)
        return messages

    async def _archived(self, owner: str, ids: Sequence[str]) -> dict[str, bytes]:
        """What the archive has under *ids*; what has left it meanwhile is missing."""
        if not ids:
            return {}
        return {entry.id: entry.stanza for entry in await self._storage.read_ids(ARCHIVE, owner, ids)}


def _choose(rows: Sequence[Queued], claims: _Claims) -> list[_Choice]:
    """What somebody gets, and the places of the entries that are done with then."""
    choices = []
    for _, group in groupby(rows, key=lambda row: row.message):
        copies = list(group)
        first, seqs = copies[0].seq, [row.seq for row in copies]
        own = [row for row in copies if _is_claimed(row, claims)]
        if own:
            choices.append(_Choice(first, own[0], [row.seq for row in own]))
        elif claims.takes_all and len(copies) >= copies[0].copies:
            choices.append(_Choice(first, copies[0], seqs))
        elif claims.is_late:  # another session has acknowledged a copy, and nobody asks for this one
            choices.append(_Choice(first, None, seqs))
    return choices


def _is_claimed(row: Queued, claims: _Claims) -> bool:
    return row.session_id in claims.ids or row.resource == claims.resource


def _readable(data: bytes) -> Record | None:
    try:
        return read_record(data)
    except ValueError:
        return None

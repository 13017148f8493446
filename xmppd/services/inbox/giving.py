"""What waits is given to a session: sent, kept as held or done, and read back before.

Rules that live here: who holds a message is committed before it is written to a session that counts (XEP-0198); what
is written to one that does not is done, and taken out behind that; what cannot be read back is put aside and does not
stop the rest.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from twisted.logger import Logger

from xmppd.core.session import Session
from xmppd.services.inbox import machine
from xmppd.services.inbox.backlog import Backlog, Live
from xmppd.services.inbox.contents import contents_of
from xmppd.services.inbox.machine import OWED, OWED_COPY, Record
from xmppd.services.inbox.records import ASIDE, STORE, encode
from xmppd.services.inbox.store import Placed, Records
from xmppd.stanza.carbon import RECEIVED, carbon
from xmppd.stanza.delay import delayed
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Append, Change, DeleteEntries, NewEntry, Note, Storage, StorageError


class Next(NamedTuple):
    """What a session is given next."""

    placed: Placed
    stanza: Stanza


class Giver:
    """Gives sessions what waits."""

    _log = Logger()

    def __init__(self, records: Records, storage: Storage, key_of: Callable[[Session], str]):
        """*key_of* gives the key by which a session is a holder."""
        self._records = records
        self._storage = storage
        self._key_of = key_of

    async def give(self, owner: str, backlog: Backlog, those: Sequence[Next]) -> None:
        """Give what was stored. Waits for the commit; `StorageError`."""
        session, notes, gone = backlog.session, list[tuple[int | str, bytes]](), list[int]()
        key, ledger = backlog.claim.key, session.ledger
        if ledger is not None:
            ledger.cork()
        try:
            for placed, stanza in those:
                record = placed.record
                is_copy = record.holders.get(key) == OWED_COPY
                late = delayed(stanza, placed.entry.sent_at, session.host or "")
                if is_copy:
                    late = carbon(late, RECEIVED, owner, session.full_jid)
                if not self.send(session, late, record):
                    backlog.is_given_up = True
                    break
                machine.given(record, backlog.claim, self._records.standing)
                if machine.is_finished(record, self._records.standing):
                    record.is_gone = True
                    gone.append(placed.seq)
                else:
                    notes.append((placed.seq, encode(record)))
            await self._commit(owner, notes, gone, [placed.record for placed, _ in those])
        finally:
            if ledger is not None:
                ledger.uncork()

    def send(self, session: Session, stanza: Stanza, record: Record | None, owed: int = OWED) -> bool:
        """Send a message to a session, which holds it then, or has it; whether it takes anything.

        To whose client has not been told of its login a message that is stored is not sent: it waits. A copy is, behind
        the answer, if that comes.
        """
        if record is None:
            return session.send(stanza)
        if session.is_logging_in:
            if owed is OWED and record.is_stored:
                return True
            record.is_late = True
        if not session.send(stanza if stanza.source is record else stanza.copy_of(record)):
            return False
        if session.ledger is None:
            if not record.is_late:
                self._has(session, record)
        elif not record.is_stored:
            record.holders.setdefault(self._key_of(session), OWED)
        return True

    def _has(self, session: Session, record: Record) -> None:
        if record.holders or record.is_open:
            machine.acknowledged(record, self._key_of(session))
        else:
            record.is_done = True

    async def _commit(
        self,
        owner: str,
        notes: Sequence[tuple[int | str, bytes]],
        gone: Sequence[int],
        records: Sequence[Record],
    ) -> None:
        changes: list[Change] = []
        if notes:
            changes.append(Note(STORE, owner, notes))
        if gone:
            changes.append(DeleteEntries(STORE, owner, seqs=gone))
        if not changes:
            return
        changes += self._records.introductions({key for record in records for key in record.holders})
        try:
            await self._storage.commit(*changes)
        except StorageError:
            for record in records:
                self._records.touch(record)
            raise
        for record in records:
            if record.is_gone:
                self._records.removed(record)

    async def give_live(self, owner: str, backlog: Backlog, those: Sequence[Live]) -> None:
        """Give what was in memory as well. Waits for the commit; `StorageError`."""
        ledger, given = backlog.session.ledger, list[Record]()
        if ledger is not None:
            ledger.cork()
        try:
            for stanza, record, _ in those:
                if record is None or not record.is_stored:
                    self.send(backlog.session, stanza, record)
                elif not record.is_gone and self.send(backlog.session, stanza, record):
                    machine.given(record, backlog.claim, self._records.standing)
                    given.append(record)
                else:
                    self._records.waits(owner)
            if ledger is not None:
                await self._commit(owner, [(each.id, encode(each)) for each in given], (), given)
        finally:
            if ledger is None:
                for record in given:
                    self._records.touch(record)
                self._records.flush()
            self._records.unpin(each.record for each in those)
            if ledger is not None:
                ledger.uncork()

    async def contents(self, owner: str, those: Iterable[Placed]) -> dict[int, Stanza]:
        """The messages by their places; what cannot be read back is put aside."""
        found = await contents_of(self._storage, owner, those)
        for placed in those:
            error = found[placed.seq]
            if isinstance(error, ValueError):
                text = "A message for {owner} cannot be read back and is put aside: {error}"
                self._log.error(text, owner=owner, error=str(error))
                await self._put_aside(owner, placed)
        return {seq: stanza for seq, stanza in found.items() if isinstance(stanza, Stanza)}

    async def _put_aside(self, owner: str, placed: Placed) -> None:
        placed.record.is_gone = True
        aside = NewEntry("", *placed.entry[2:])
        await self._storage.commit(
            Append(ASIDE, owner, aside), DeleteEntries(STORE, owner, seqs=(placed.seq,))
        )

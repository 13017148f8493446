"""What waits is given to a session: sent, kept as held or done, and read back before.

Rules that live here: who holds a message is committed before it is written to a session that counts (XEP-0198); what
is written to one that does not is done, and taken out behind that; what cannot be read back is put aside and does not
stop the rest.
"""

from collections.abc import Callable, Iterable, Sequence

from twisted.logger import Logger

from xmppd.core.session import Session
from xmppd.services.inbox import machine
from xmppd.services.inbox.backlog import Backlog, Due
from xmppd.services.inbox.contents import contents_of
from xmppd.services.inbox.machine import OWED, OWED_COPY, Record
from xmppd.services.inbox.records import ASIDE, STORE, encode
from xmppd.services.inbox.store import Placed, Records
from xmppd.stanza.carbon import RECEIVED, carbon
from xmppd.stanza.delay import delayed
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Append, Change, DeleteEntries, NewEntry, Note, Storage, StorageError


class Giver:
    """Gives sessions what waits."""

    _log = Logger()

    def __init__(self, records: Records, storage: Storage, key_of: Callable[[Session], str]):
        """*key_of* gives the key by which a session is a holder."""
        self._records = records
        self._storage = storage
        self._key_of = key_of

    async def give(self, owner: str, backlog: Backlog, those: Sequence[Due]) -> None:
        """Give what waits, as far as its session takes it. Waits for the commit; `StorageError`."""
        session, ledger, given = backlog.session, backlog.session.ledger, list[Record]()
        if ledger is not None:
            ledger.cork()
        try:
            for stanza, record, _ in those:
                if record is not None and record.is_gone:
                    continue
                if not self.send(session, stanza, record):
                    backlog.is_given_up = backlog.is_unread = True
                    break
                if record is not None and record.is_stored:
                    machine.given(record, backlog.claim, self._records.standing)
                    given.append(record)
            await self._commit(owner, given)
        finally:
            if ledger is not None:
                ledger.uncork()

    def prepared(self, owner: str, backlog: Backlog, placed: Placed, stanza: Stanza) -> Due:
        """Give a stored message as its session gets it: with the time it came, as a carbon where that is its due."""
        session = backlog.session
        late = delayed(stanza, placed.entry.sent_at, session.host or "")
        if placed.record.holders.get(backlog.claim.key) == OWED_COPY:
            late = carbon(late, RECEIVED, owner, session.full_jid)
        return Due(late, placed.record, placed.entry.sent_at)

    def send(self, session: Session, stanza: Stanza, record: Record | None, owed: int = OWED) -> bool:
        """Send a message to a session, which holds it then, or has it; whether it takes anything.

        To whose client has not been told of its login a message that is stored is not sent: it waits. A copy is, behind
        the answer, if that comes.
        """
        if record is None:
            return session.send(stanza)
        is_kept = session.is_logging_in
        if is_kept and record.is_stored and owed is OWED:
            return True
        if not session.send(stanza if stanza.source is record else stanza.copy_of(record)):
            return False
        if is_kept:
            record.is_late = True
        elif session.ledger is None:
            self._has(session, record)
        elif not record.is_stored:
            record.holders.setdefault(self._key_of(session), OWED)
        return True

    def _has(self, session: Session, record: Record) -> None:
        if record.holders or record.is_open:
            machine.acknowledged(record, self._key_of(session))
        else:
            record.is_done = True

    async def _commit(self, owner: str, given: Sequence[Record]) -> None:
        notes, gone = list[tuple[int | str, bytes]](), list[str]()
        for record in given:
            record.is_gone = machine.is_finished(record, self._records.standing)
            if record.is_gone:
                gone.append(record.id)
            else:
                notes.append((record.id, encode(record)))
        changes: list[Change] = [Note(STORE, owner, notes)] if notes else []
        changes += [DeleteEntries(STORE, owner, ids=gone)] if gone else []
        changes += self._records.introductions({key for record in given for key in record.holders})
        if not changes:
            return
        try:
            await self._storage.commit(*changes)
        except StorageError:
            for record in given:
                self._records.touch(record)
            raise
        for record in given:
            if record.is_gone:
                self._records.removed(record)

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

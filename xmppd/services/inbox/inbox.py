"""The inboxes of the accounts: each durable message has one record in one until it is done (`machine`).

Rules that live here:

- a record is made when a message is delivered, and stored in the transaction of the message, with all who got a copy;
- only records of which somebody who is there has a copy are in memory; all others are what the store says;
- what clients have acknowledged is stored lazily, in a while; until it is, memory is right and the store is not;
- when the holder of a message has ended, and no other has it, it waits again: whoever takes messages is handed it
  (RFC 6121 8.5), else who comes next.

How a session is handed what waits is in `xmppd.services.inbox.delivery`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from twisted.internet.defer import Deferred

from xmppd.core.attachment import Attachment
from xmppd.core.directory import AccountDirectory
from xmppd.core.events import Delivery
from xmppd.core.host import Hosts
from xmppd.core.ids import Ids
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.session import Session
from xmppd.core.timers import Timers
from xmppd.core.waiting import deferred
from xmppd.services.archive.ids import archived_as
from xmppd.services.inbox.contents import part_from_archive
from xmppd.services.inbox.delivery import Backlogs, Earlier
from xmppd.services.inbox.giving import Giver
from xmppd.services.inbox.kept import KEPT, Kept
from xmppd.services.inbox.machine import (
    OWED,
    OWED_COPY,
    Record,
    Verdict,
    came_back,
    fetched,
    given,
    is_finished,
    is_waiting,
    verdict,
)
from xmppd.services.inbox.records import append
from xmppd.services.inbox.redelivery import Redelivery
from xmppd.services.inbox.store import Records, Usage
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.kinds import kind_of
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Change, Storage
from xmppd.stream.acks import Sent

KEY: Final = Attachment[str]("inbox")
"""Under this name a session that does not count keeps the key it is a holder by."""
KEY_BYTES: Final = 9


class Inbox:
    """Takes messages in, knows who has them, and lets others hear of what waits."""

    def __init__(
        self,
        hosts: Hosts,
        registry: SessionRegistry,
        router: Router,
        directory: AccountDirectory,
        storage: Storage,
        timers: Timers,
        now: Callable[[], float],
        random_text: Callable[[int], str],
    ):
        """*now* is wall time in seconds since 1970; *random_text* gives so many unguessable bytes as text."""
        self._hosts = hosts
        self._directory = directory
        self._storage = storage
        self._timers = timers
        self._now = now
        self._random_text = random_text
        self._ids = Ids(random_text)
        self._records = Records(storage, timers, now)
        self._giver = Giver(self._records, storage, self.key_of)
        self._redelivery = Redelivery(registry, router, self._records.standing, self._send)
        self._backlogs = Backlogs(
            registry, self._records, self._giver, timers, self.key_of, self._redelivery.deliver_live
        )

    @property
    def waiting_accounts(self) -> int:
        """For how many accounts anything may wait."""
        return self._records.waiting_accounts

    @property
    def unwritten(self) -> int:
        """How many records were changed and are not written yet."""
        return self._records.unwritten

    def heed(self, earlier: Earlier) -> None:
        """Have *earlier* say who may come back to what sessions of before the start have left."""
        self._backlogs.earlier = earlier

    @deferred
    async def learn(self) -> None:
        """Read for whom anything waits, so that the logins of all others need not ask; harmless the second time."""
        await self._records.learn()

    # -- who holds copies ---------------------------------------------------------------------------------------------

    def key_of(self, session: Session) -> str:
        """Give the key by which *session* is a holder; one that does not count gets one when it is first needed."""
        key = session.attached(KEY)
        if key is None:
            key = self._random_text(KEY_BYTES)
            session.attach(KEY, key)
            self._records.begin(key)
        return key

    def counts(self, session: Session, key: str, account: Callable[[], Change | None] | None = None) -> None:
        """*session* says what it has handled from now on; *account* gives what is stored of it, if its client may come
        back after a new start of the server."""
        former = session.attached(KEY)
        if former is not None:
            self._records.end(former)
        session.attach(KEY, key)
        self._records.begin(key, account)

    def acknowledged(self, records: Iterable[Record], key: str) -> None:
        """The client of *key* has these."""
        self._records.acknowledged(records, key)

    def sent_late(self, record: Record, key: str, number: int) -> Record:
        """*key* is sent what a filter had kept, behind the transaction of the message; give its record as it is now."""
        record = self._records.get(record.owner, record.id) or record
        record.holders[key] = number
        if not record.is_gone:
            self._records.touch(record)
        return record

    def ended(self, owner: JID, key: str, unacknowledged: Iterable[Sent]) -> None:
        """*key* is gone, with what its client has not acknowledged: what nobody else has waits again, or goes to who is
        there, if it is not stored."""
        records, waiting, volatile = self._records, list[Stanza](), list[Sent]()
        records.end(key)
        for sent in unacknowledged:
            record = sent.record
            if not isinstance(record, Record) or not record.is_stored:
                volatile.append(sent)
                continue
            if is_finished(record, records.standing):
                records.touch(record)
            elif is_waiting(record, records.standing):
                waiting.append(sent.stanza)
            records.release(record)
        if waiting:
            records.waits(owner.bare)
            if self._backlogs.taker(owner.bare) is None:
                self._tell(owner, waiting)
        self._look_again(owner.bare)
        self._redelivery.deliver(owner, key, volatile)

    def left(self, session: Session) -> None:
        """A session has ended; what it was not handed stays for the next."""
        key = session.attached(KEY)
        if key is not None:
            self._records.end(key)
        self._backlogs.left(session)
        self._look_again(session.bare_jid or "")

    def _look_again(self, owner: str) -> None:
        if self._records.may_wait(owner):
            self._backlogs.look_again(owner)

    # -- delivering ---------------------------------------------------------------------------------------------------

    def begin(self, delivery: Delivery) -> None:
        """Give a message a record, if anybody who gets it may not have it then."""
        sessions, owner = delivery.sessions, delivery.target.bare
        for session in sessions:
            if session.ledger is not None or session.conn is None or session.is_logging_in:
                break
        else:
            if sessions and owner not in self._backlogs.by_owner:
                return
        delivery.record = self._record(delivery)
        delivery.hand_over = self._hand_over

    def _record(self, delivery: Delivery) -> Record:
        owner = delivery.target.bare
        if not kind_of(delivery.stanza).is_durable or not self._directory.exists(owner):
            return Record(owner, is_stored=False)
        archive_id = archived_as(delivery.changes, owner)
        return Record(owner, archive_id or self._ids.next(), is_archived=archive_id is not None)

    def _hand_over(self, delivery: Delivery) -> bool:
        """Send a message to the sessions that get it; whether there was any."""
        record = delivery.record
        assert isinstance(record, Record)
        stanza, is_taken = delivery.stanza.copy_of(record), False
        send = self._send if self._backlogs.by_owner else self._giver.send
        for session in delivery.sessions:
            is_taken = send(session, stanza, record) or is_taken
        if is_taken and record.is_stored:
            self._store(delivery, record)
        return is_taken

    def alone(self, owner: str, stanza: Stanza, key: str, number: int) -> Record | None:
        """Give the record of what *key* alone is sent as its *number*, if it must not get lost; stored by itself."""
        if stanza.name != "message" or not kind_of(stanza).is_durable or not self._directory.exists(owner):
            return None
        record = Record(owner, self._ids.next())
        record.holders[key] = number
        self._records.hold(record)
        changes = [append(record, stanza, self._now()), *self._records.introductions((key,))]
        self._storage.commit(*changes).addErrback(lambda _: None)  # it is in memory all the same
        return record

    def _store(self, delivery: Delivery, record: Record) -> None:
        """What keeps the message goes into its transaction."""
        records, holders = self._records, record.holders
        if record.is_done and is_finished(record, records.standing):
            return
        if len(holders) == 1 and OWED in holders.values() and not record.is_done:
            holders.clear()  # it waits, for whoever takes what waits
        delivery.changes.append(append(record, delivery.stanza, self._now()))
        if not records.unknown.keys().isdisjoint(holders):
            delivery.changes.extend(records.introductions(holders))
        records.added(record)
        if not record.pins and (not holders or min(holders.values()) < 0):
            records.waits(record.owner)
        if holders and max(holders.values()) >= 0:
            records.hold(record)

    def send_copy(self, session: Session, stanza: Stanza, record: object, *, is_taken: bool) -> None:
        """Send a carbon of a message; *record* is the message's, where the account gets it.

        *is_taken*: others get the message itself; else it waits for them, whoever has carbons.
        """
        message = record if isinstance(record, Record) else None
        if message is not None and not is_taken:
            message.is_open = True
        self._send(session, stanza, message, OWED_COPY)

    def _send(self, session: Session, stanza: Stanza, record: Record | None, owed: int = OWED) -> bool:
        """Send a message to a session, behind what waits for it where it is being handed that."""
        backlog = self._backlogs.of(session.bare_jid or "", session)
        if backlog is None:
            return self._giver.send(session, stanza, record, owed)
        if record is not None:
            record.holders[backlog.claim.key] = owed
        self._backlogs.put(backlog, stanza, record)
        return True

    # -- what nobody takes --------------------------------------------------------------------------------------------

    def keep(self, delivery: Delivery) -> Deferred[bool] | bool | None:
        """Take a message that nobody could be given. True: it is kept, or it is nothing to keep.

        None: it is worth keeping but must not be. Raises service-unavailable where too much waits for the account.
        """
        kind = kind_of(delivery.stanza)
        if not kind.is_durable:
            return None if kind.is_missed else True
        usage = self._records.usage(delivery.target.bare)
        if usage is None:
            return self._keep_later(delivery)
        self._wait(delivery, usage)
        return True

    @deferred
    async def _keep_later(self, delivery: Delivery) -> bool:
        owner = delivery.target.bare
        self._wait(delivery, await self._records.count(owner))
        return True

    def _wait(self, delivery: Delivery, usage: Usage) -> None:
        target, owner = delivery.target, delivery.target.bare
        record = delivery.record if isinstance(delivery.record, Record) else self._record(delivery)
        limits = self._hosts[target.domainpart].settings.limits
        size = 0 if record.is_archived else len(delivery.stanza.inner)
        if usage.messages >= limits.offline_messages or usage.size_bytes + size > limits.offline_bytes:
            if self._records.is_stale(usage):
                self._records.forget_usage(owner)
            raise StanzaError("service-unavailable", "Too many messages wait for this account")
        record.is_done, record.is_open = False, bool(record.holders)
        self._store(delivery, record)
        self._backlogs.waits(owner)
        session = self._backlogs.taker(owner)
        if session is None:
            self._tell(target, (delivery.stanza,))
        else:  # it has come meanwhile: what comes next for it is behind this
            self._backlogs.coming(session)
            self._timers.add(0.0, lambda now, timer, owner: self._look_again(owner), owner)

    def _tell(self, target: JID, stanzas: Sequence[Stanza]) -> None:
        owner = JID(target.localpart, target.domainpart, None)
        self._hosts[owner.domainpart].hooks.notify(KEPT, Kept(owner, stanzas))

    # -- handing over: see `Backlogs` ---------------------------------------------------------------------------------

    def coming(self, session: Session) -> None:
        """A session is about to become available: what comes for it from now on queues behind what waits."""
        self._backlogs.coming(session)

    def came(self, session: Session) -> None:
        """A session has become available, or has another priority: hand it what waits, if it may have it."""
        self._backlogs.came(session)

    # -- what others tell of it ---------------------------------------------------------------------------------------

    @deferred
    async def came_back(self, owner: str, key: str, is_handled: Callable[[int], bool]) -> bool:
        """Who was *key*, which has ended, says which of its numbers it has handled; whether *key* was known.

        Waits for the commit; `StorageError`.
        """
        await self._backlogs.learn_earlier(owner)
        is_known = False
        async for page in self._records.pages(owner):
            for _, record, _ in page:
                is_known = is_known or key in record.holders
                if came_back(record, key, is_handled):
                    self._records.touch(record)
        await self._records.flushed()
        return is_known

    @deferred
    async def fetched(self, owner: str, session: Session) -> None:
        """*session* gets from the archive all that is there, and is not given it again.

        Waits for the commit; `StorageError`.
        """
        if not self._records.may_wait(owner):
            return
        claim = await self._backlogs.claim(owner, session)
        async for page in self._records.pages(owner):
            for _, record, _ in page:
                if record.is_archived and verdict(record, claim, self._records.standing) is Verdict.GIVE:
                    fetched(record, claim)
                    self._records.touch(record)
        await self._records.flushed()

    @deferred
    async def give_results(self, owner: str, session: Session, results: Mapping[str, Stanza]) -> None:
        """Send what *session* has asked its archive for; a result is by the message's id.

        To who is not available yet it is a copy of what waits, as any: it is not given that again, and when it has
        acknowledged the copy the message is done. Waits for the commit; `StorageError`.
        """
        if session.presence is not None or not results or not self._records.may_wait(owner):
            for result in results.values():
                session.send(result)
            return
        claim = await self._backlogs.claim(owner, session)
        async for page in self._records.pages(owner, list(results)):
            waiting = {record.id: record for _, record, _ in page}
            for id, result in results.items():
                record = waiting.get(id)
                if record is None or verdict(record, claim, self._records.standing) is not Verdict.GIVE:
                    session.send(result)
                elif self._giver.send(session, result, record):
                    given(record, claim, self._records.standing)
                    self._records.touch(record)
        await self._records.flushed()

    @deferred
    async def part_from_archive(self, owner: str) -> None:
        """Messages are about to leave an archive: records that refer to it get their content. Waits; `StorageError`."""
        await part_from_archive(self._records, self._storage, owner)

    def flush(self) -> Deferred[bool]:
        """Write what has changed; fires when that is decided, with whether it happened."""
        return self._records.flush()

    def let_go(self, owner: JID) -> None:
        """Keep nothing of an account in memory: it is gone, or its home is elsewhere now. What is stored stays."""
        self._records.forget(owner.bare)

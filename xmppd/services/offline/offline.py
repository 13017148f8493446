"""Messages for accounts of which no resource can take them: XEP-0160 1.0.1 and RFC 6121 8.5.2.2.

Durable messages are kept (`message_kinds`), up to the host's limits; lone chat states and the like are dropped; what is
worth keeping and cannot be kept is refused. How they are handed over is in `xmppd.services.offline.delivery`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.core.events import Delivery
from xmppd.core.hooks import Hook
from xmppd.core.host import Hosts
from xmppd.core.ids import Ids
from xmppd.core.registry import SessionRegistry
from xmppd.core.session import Session
from xmppd.core.timers import Timers
from xmppd.core.waiting import deferred
from xmppd.services.archive.ids import archived_as
from xmppd.services.offline.archived import archived_of
from xmppd.services.offline.delivery import BATCH, STORE, OfflineDelivery, Others
from xmppd.services.offline.usage import Usage, Usages, name_of
from xmppd.stanza.delay import without_delay_of
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.kinds import kind_of
from xmppd.stanza.stamps import to_milliseconds
from xmppd.stanza.stanza import Stanza
from xmppd.stanza.stanza_ids import stanza_id_of
from xmppd.storage.interface import (
    Append,
    Change,
    DeleteAll,
    DeleteEntries,
    NewEntry,
    Selection,
    Storage,
    StorageError,
)


class Kept:
    """Messages that have gone into an account's store; *owner* is its bare JID."""

    __slots__ = ("owner", "stanzas")

    def __init__(self, owner: JID, stanzas: Sequence[Stanza]):
        self.owner = owner
        self.stanzas = stanzas


class Returned(NamedTuple):
    """A message that a session was given and has not acknowledged (XEP-0198)."""

    stanza: Stanza
    came_at: float
    name: str = ""
    """What its client may turn out to have it by, see `Offline.drop`; without spaces."""


KEPT = Hook[Kept](
    "offline-kept",
    "Notified when messages that no resource takes have gone into the store of an account, at its host.",
)


class Offline:
    """Keeps messages for those who are offline, and hands them over when they come."""

    _log = Logger()

    def __init__(
        self,
        hosts: Hosts,
        registry: SessionRegistry,
        storage: Storage,
        timers: Timers,
        now: Callable[[], float],
        random_text: Callable[[int], str],
    ):
        """*now* is wall time in seconds since 1970; *random_text* gives so many unguessable bytes as text."""
        self._hosts = hosts
        self._storage = storage
        self._timers = timers
        self._now = now
        self._ids = Ids(random_text)
        self._tallies = Usages(storage, STORE, now)
        self._hand_over = OfflineDelivery(hosts, registry, storage, timers, self._tallies)

    @deferred
    async def learn(self) -> None:
        """Read for whom anything waits, so that the logins of all others need not ask; harmless the second time."""
        others = self._hand_over.others
        if others is not None:  # what is left of sessions waits whether they can still be resumed or not
            await others.learn()
        await self._tallies.learn()

    # -- taking in ----------------------------------------------------------------------------------------------------

    def keep(self, delivery: Delivery) -> Deferred[bool] | bool | None:
        """Take a message that nobody could be given. True: it is kept, or it is nothing to keep.

        None: it is worth keeping but must not be. Raises service-unavailable where the account's store is full.
        """
        kind = kind_of(delivery.stanza)
        if not kind.is_durable:
            return None if kind.is_missed else True
        usage = self._tallies.get(delivery.target.bare)
        if usage is None:
            return self._keep_later(delivery)
        self._append(delivery, usage)
        self._tell(delivery.target, (delivery.stanza,))
        return True

    @deferred
    async def _keep_later(self, delivery: Delivery) -> bool:
        owner = delivery.target.bare
        usage = await self._tallies.load(owner)
        self._append(delivery, usage)
        self._tell(delivery.target, (delivery.stanza,))
        self._timers.add(0.0, lambda now, timer, owner: self._hand_over.look_again(owner), owner)
        return True

    def _tell(self, target: JID, stanzas: Sequence[Stanza]) -> None:
        owner = JID(target.localpart, target.domainpart, None)
        self._hosts[owner.domainpart].hooks.notify(KEPT, Kept(owner, stanzas))

    def _append(self, delivery: Delivery, usage: Usage) -> str:
        owner, data = delivery.target.bare, delivery.stanza.to_bytes()
        limits = self._hosts[delivery.target.domainpart].settings.limits
        if usage.messages >= limits.offline_messages or usage.size_bytes + len(data) > limits.offline_bytes:
            if self._tallies.is_stale(usage):
                self._tallies.forget(owner)
            raise StanzaError("service-unavailable", "Too many messages wait for this account")
        entry_id = archived_as(delivery.changes, owner) or self._ids.next()
        entry = NewEntry(
            entry_id,
            to_milliseconds(self._now()),
            delivery.sender.bare,
            data,
            usage.add(len(data)),
            delivery.sender.resourcepart or "",
        )
        delivery.changes.append(Append(STORE, owner, entry))
        return entry_id

    # -- handing over: see `OfflineDelivery` ----------------------------------------------------------------------

    def hold(self, delivery: Delivery) -> Deferred[bool] | bool | None:
        """Take the session that is being handed its stored messages out of *delivery*. True: it was the only one."""
        return self._hand_over.hold(delivery, self._append)

    def send_behind(self, session: Session, stanza: Stanza) -> bool:
        """Send a copy of a message to a session: behind the stored ones where it is being handed them."""
        return self._hand_over.send_behind(session, stanza)

    def coming(self, session: Session) -> None:
        """A session is about to become available: what comes for it from now on queues behind what is stored."""
        self._hand_over.coming(session)

    def came(self, session: Session) -> None:
        """A session has become available, or has another priority: hand it what is stored, if it may have it."""
        self._hand_over.came(session)

    def left(self, session: Session) -> None:
        """A session has ended; what it was not handed stays for the next."""
        self._hand_over.left(session)

    def give_first(self, others: Others) -> None:
        """Have what *others* keep handed over before what is stored."""
        self._hand_over.others = others

    # -- what others do to the store ----------------------------------------------------------------------------------

    @deferred
    async def put_back(
        self, owner: JID, messages: Sequence[Returned], changes: Sequence[Change] = ()
    ) -> None:
        """Store messages that a session was given and has not acknowledged, each with the time it came.

        What is not durable is left out. All is committed in one transaction with *changes*; then another resource is
        handed them, or the next that comes. They keep their ids. Waits for the commit; `StorageError`, and then
        nothing changed.
        """
        bare = owner.bare
        usage = self._tallies.get(bare) or await self._tallies.load(bare)
        appended: list[Change] = []
        for stanza, at, name in messages:
            if kind_of(stanza).is_durable:
                plain = without_delay_of(stanza, owner.domainpart)
                data, sender = plain.to_bytes(), JID.parse(stanza.from_ or "")
                entry_id = stanza_id_of(plain, bare) or self._ids.next()
                extra = usage.add(len(data), name)
                entry = NewEntry(entry_id, at, sender.bare, data, extra, sender.resourcepart or "")
                appended.append(Append(STORE, bare, entry))
        try:
            await self._storage.commit(*changes, *appended)
        except StorageError:
            self._tallies.forget(bare)
            raise
        if appended:
            self._tell(owner, [each.stanza for each in messages if kind_of(each.stanza).is_durable])
            self._hand_over.look_again(bare)

    @deferred
    async def drop(self, owner: str, is_known: Callable[[str], bool]) -> None:
        """A client turns out to have messages that were put back, those whose name *is_known*: they wait no more.

        Waits for the commit; `StorageError`.
        """
        if self._tallies.is_empty(owner):
            return
        after, known = 0, []
        while entries := await self._storage.read(STORE, owner, Selection(after=after), limit=BATCH):
            known += [entry.seq for entry in entries if (name := name_of(entry)) and is_known(name)]
            after = entries[-1].seq
        if known:
            self._tallies.forget(owner)
            await self._storage.commit(DeleteEntries(STORE, owner, seqs=tuple(known)))

    @deferred
    async def fetched(self, owner: str, ids: Sequence[str], session: Session | None = None) -> None:
        """The account has got these by another way, *session* from the archive: they are not delivered again."""
        others = self._hand_over.others
        if session is not None and others is not None and others.may_have(owner):
            await others.fetched(session, ids)
        if ids and not self._tallies.is_empty(owner):
            self._tallies.forget(owner)
            await self._storage.commit(DeleteEntries(STORE, owner, ids=tuple(ids)))

    @deferred
    async def clear_archived(self, owner: str, session: Session) -> None:
        """Forget what waits for an account that its archive holds, too (XEP-0386 3.2). Waits for the commit."""
        others = self._hand_over.others
        if others is not None and others.may_have(owner):
            await others.fetched(session, None)
        if not self._tallies.is_empty(owner):
            await self.fetched(owner, await archived_of(self._storage, owner))

    @deferred
    async def clear(self, owner: str) -> None:
        """Forget all that waits for an account. Waits for the commit; `StorageError`."""
        self._tallies.forget(owner)
        await self._storage.commit(DeleteAll(STORE, owner))

    def let_go(self, owner: JID) -> None:
        """Keep nothing of an account in memory: it is gone, or its home is elsewhere now. What is stored stays."""
        self._tallies.forget(owner.bare)

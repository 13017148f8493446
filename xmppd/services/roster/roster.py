"""Rosters: who an account knows (RFC 6121 2). Loaded, changed, stored, and pushed to interested resources.

Rules that live here: one `Roster` for an account however many use it, so that what is kept for who comes back soon is
never out of date; changes of an account happen one after the other (`Rosters.exclusive`), are stored first and seen in
memory in the same step as the commit's success; what a change tells others starts before the next change of that
account, so that the order on the wire is the order of changes. What subscriptions mean is in
`xmppd.services.roster.subscriptions`, the contacts of shared groups come from overlays.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from xmppd.core.fanout import Fanout
from xmppd.core.hooks import AnyHook, Hook
from xmppd.core.host import Hosts
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.timers import Timers
from xmppd.core.waiting import deferred
from xmppd.services.roster.items import NO_SHARED, Query, Roster, RosterItem, decode, encode, item_xml
from xmppd.services.roster.recent import RecentRosters
from xmppd.services.roster.subscription_states import REMOVED
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Change, Delete, DeleteAll, Put, Storage, StorageError

__all__ = [
    "PUSHED",
    "SUBSCRIBED_TO_US",
    "WITHDRAWN",
    "Granted",
    "Pushed",
    "Roster",
    "RosterItem",
    "Rosters",
    "Withdrawn",
]

STORE, REQUESTS = "roster", "subscription_requests"
CHUNK = 500
"""Items that are read, written or told of in one turn of the reactor."""
ROSTERS_A_TURN = 20
"""Rosters that are compared with their shared groups in one turn."""

Overlay = Callable[[str], Mapping[str, RosterItem]]
"""Gives an account (bare JID) the contacts that it has by a shared group, by their bare JIDs."""


class Granted(NamedTuple):
    """A contact that may see an account's presence from now on; both are bare."""

    owner: JID
    contact: JID


class Withdrawn(NamedTuple):
    """A contact that may no longer see an account's presence; both are bare."""

    owner: JID
    contact: JID


class Pushed(NamedTuple):
    """A contact as it is now in an account's roster; with subscription "remove" it is gone."""

    roster: Roster
    item: RosterItem


PUSHED = Hook[Pushed](
    "roster-pushed",
    "Notified at the owner's host with each change of a roster, whether a client is there that is interested or not.",
)
SUBSCRIBED_TO_US = Hook[Granted](
    "subscribed-to-us",
    "Notified at the owner's host after a contact was granted a subscription and was told so: it is to be shown the "
    "presence of all available resources (RFC 6121 3.1.5).",
)
WITHDRAWN = Hook[Withdrawn](
    "subscription-withdrawn",
    "Notified at the owner's host when a contact has lost its subscription, before it is told so: it is to be sent "
    "unavailable presence of each available resource (RFC 6121 3.2.2, 3.3.3).",
)


class Rosters:
    """All rosters of this server."""

    _log = Logger()

    def __init__(
        self, storage: Storage, hosts: Hosts, registry: SessionRegistry, router: Router, timers: Timers
    ):
        self._storage = storage
        self._hosts = hosts
        self._registry = registry
        self._router = router
        self._timers = timers
        self._known: WeakValueDictionary[str, Roster] = WeakValueDictionary()
        self.recent = RecentRosters()
        self._loading: dict[str, list[Deferred[Roster]]] = {}
        self._locks: WeakValueDictionary[str, DeferredLock] = WeakValueDictionary()
        self._overlays: dict[str, Overlay] = {}
        self._push_ids = count(1)

    # -- reading ------------------------------------------------------------------------------------------------------

    def loaded(self, bare_jid: str) -> Roster | None:
        """Give an account's roster if somebody uses it now, or has a short while ago."""
        return self._known.get(bare_jid)

    def release_memory(self) -> None:
        """Keep only the rosters that somebody uses now."""
        self.recent.clear()

    @deferred
    async def load(self, bare_jid: str) -> Roster:
        """Give an account's roster: the same object to all, for as long as anybody keeps it, and a while longer.

        Waits for the storage; `StorageError` where it cannot be read.
        """
        known = self._known.get(bare_jid)
        if known is not None:
            self.recent.use(known)
            return known
        waiting = self._loading.get(bare_jid)
        if waiting is not None:
            shared: Deferred[Roster] = Deferred()
            waiting.append(shared)
            return await shared
        self._loading[bare_jid] = []
        try:
            roster = await self._read(bare_jid)
        except StorageError as error:
            for other in self._loading.pop(bare_jid):
                other.errback(error)
            raise
        self._known[bare_jid] = roster
        self.recent.use(roster)
        for other in self._loading.pop(bare_jid):
            other.callback(roster)
        return roster

    async def _read(self, bare_jid: str) -> Roster:
        stores = await self._storage.load(bare_jid, (STORE, REQUESTS))
        roster = Roster(bare_jid, stores[REQUESTS])
        groups: dict[tuple[str, ...], tuple[str, ...]] = {}
        for index, (jid, data) in enumerate(stores[STORE].items(), 1):
            try:
                roster.put(jid, decode(jid, data, groups))
            except ValueError as error:
                self._log.error("A roster item cannot be read and is left out: {error}", error=str(error))
            if index % CHUNK == 0:
                await self.pause()
        overlay = self._overlays.get(_domain(bare_jid))
        if overlay is not None:
            roster.share(overlay(bare_jid))
        return roster

    async def written(self, roster: Roster) -> bytes:
        """Give the items of a roster as XML, as they are when this is done; waits where there are many."""
        version = roster.version
        pieces: dict[str, tuple[RosterItem, bytes]] = {}
        for index, item in enumerate(tuple(roster.items()), 1):
            pieces[item.jid] = (item, item_xml(item).encode())
            if index % CHUNK == 0:
                await self.pause()
        if roster.version == version:
            return b"".join([data for _, data in pieces.values()])
        return b"".join([_piece(item, pieces.get(item.jid)) for item in roster.items()])

    # -- what a client asks for ---------------------------------------------------------------------------------------

    @deferred
    async def set(self, owner: JID, jid: str, name: str | None, groups: tuple[str, ...]) -> None:
        """Add a contact or change its name and groups, and push it (RFC 6121 2.3, 2.4); waits for the commit.

        Raises `StanzaError`: not-allowed for a contact of a shared group, policy-violation where the roster is full,
        resource-constraint where it cannot be stored.
        """
        async with self.exclusive(owner.bare) as roster:
            item = self.editable(roster, jid)._replace(name=name, groups=groups)
            await self.write(roster, jid, item, roster.pending.get(jid))
            self.push(roster, item)

    @deferred
    async def remove(self, owner: JID, jid: str) -> None:
        """Remove a contact and push that; end the subscriptions to and from it (RFC 6121 2.5); waits for the commits.

        Raises `StanzaError`: item-not-found where there is no such contact, not-allowed for one of a shared group,
        resource-constraint where it cannot be stored.
        """
        async with self.exclusive(owner.bare) as roster:
            if roster.item(jid) is None:
                raise StanzaError("item-not-found", "There is no such contact")
            self.editable(roster, jid)
            state = roster.state(jid)
            await self.write(roster, jid, None, None)
            self.push(roster, RosterItem(jid, subscription="remove"))
            told = self._farewell(owner, JID.of_prepared(jid), REMOVED[state], state.is_seen)
        await all_of(told)

    def let_go(self, owner: JID) -> None:
        """Keep nothing of an account in memory: it is gone, or its home is elsewhere now. What is stored stays."""
        self.recent.forget(owner.bare)

    @deferred
    async def leave(self, bare_jid: str, *changes: Change) -> None:
        """Forget an account's roster and end all its subscriptions, for good (account removal).

        *changes* happen in the same transaction. Contacts get unavailable presence, unsubscribe and unsubscribed as
        their state demands; nothing is pushed. Waits for the commit and until all local contacts have been told.
        `StanzaError` where it cannot be stored.
        """
        owner = JID.parse(bare_jid)
        told: list[Deferred[Any]] = []
        async with self.exclusive(bare_jid) as roster:
            states = {jid: roster.state(jid) for jid in [item.jid for item in roster.stored()]}
            states.update((jid, roster.state(jid)) for jid in roster.pending)
            await self._commit(DeleteAll(STORE, bare_jid), DeleteAll(REQUESTS, bare_jid), *changes)
            self.recent.forget(bare_jid)
            for jid in states:
                roster.put(jid, None)
                roster.put_request(jid, None)
            for index, (jid, state) in enumerate(states.items(), 1):
                told += self._farewell(owner, JID.of_prepared(jid), REMOVED[state], state.is_seen)
                if index % CHUNK == 0:
                    await self.pause()
        await all_of(told)

    def _farewell(
        self, owner: JID, contact: JID, stanzas: tuple[str, ...], was_seen: bool
    ) -> list[Deferred[Any]]:
        """Tell a contact that it is none any more (RFC 6121 2.5.2); give what is still waited for."""
        told = [self.notify(WITHDRAWN, Withdrawn(owner, contact))] if was_seen else []
        for type in stanzas:
            stanza = Stanza.make("presence", from_=owner.bare, to=contact.bare, type=type)
            told.append(self._router.route(stanza))
        return [waiting for waiting in told if waiting is not None]

    # -- for who changes rosters --------------------------------------------------------------------------------------

    @asynccontextmanager
    async def exclusive(self, bare_jid: str) -> AsyncIterator[Roster]:
        """Have an account's roster to oneself: changes of it happen one after the other, in the order of the calls.

        What is told to others must start within; to wait for it within may wait for ever.
        `StanzaError` resource-constraint where the roster cannot be read.
        """
        lock = self._locks.get(bare_jid)
        if lock is None:
            self._locks[bare_jid] = lock = DeferredLock()
        async with lock:
            try:
                roster = await self.load(bare_jid)
            except StorageError as error:
                raise StanzaError("resource-constraint", type="wait") from error
            yield roster

    def editable(self, roster: Roster, jid: str) -> RosterItem:
        """Give a contact as it is, or a new one; `StanzaError` not-allowed or policy-violation, as in `set`."""
        if roster.is_shared(jid):
            raise StanzaError("not-allowed", "This contact is in a shared group")
        item = roster.item(jid)
        if item is not None:
            return item
        if len(roster) >= self._hosts[_domain(roster.owner)].settings.limits.roster_items:
            raise StanzaError("policy-violation", "The roster is full", type="cancel")
        return RosterItem(jid)

    async def write(self, roster: Roster, jid: str, item: RosterItem | None, request: bytes | None) -> None:
        """Store a contact and its pending request, then change them in memory; None takes away.

        `StanzaError` resource-constraint where that fails; then nothing is changed.
        """
        changes: list[Change] = []
        if item != roster.item(jid):
            changes.append(
                Delete(STORE, roster.owner, jid)
                if item is None
                else Put(STORE, roster.owner, jid, encode(item))
            )
        if request != roster.pending.get(jid):
            changes.append(
                Delete(REQUESTS, roster.owner, jid)
                if request is None
                else Put(REQUESTS, roster.owner, jid, request)
            )
        if changes:
            await self._commit(*changes)
            roster.put(jid, item)
            roster.put_request(jid, request)

    async def _commit(self, *changes: Change) -> None:
        try:
            await self._storage.commit(*changes)
        except StorageError as error:
            raise StanzaError("resource-constraint", type="wait") from error

    def push(self, roster: Roster, item: RosterItem) -> None:
        """Send a roster push to all interested resources (RFC 6121 2.1.6)."""
        self._hosts[_domain(roster.owner)].hooks.notify(PUSHED, Pushed(roster, item))
        sessions = [session for session in self._registry.resources(roster.owner) if session.interested]
        if not sessions:
            return
        query = Query(item_xml(item).encode(), roster.version)
        iq = Stanza.make("iq", query, id=f"push-{next(self._push_ids)}", type="set")
        fanout = Fanout(iq)
        for session in sessions:
            fanout.send(session, session.full_jid or "")

    def notify(self, hook: AnyHook, change: Granted | Withdrawn) -> Deferred[None] | None:
        """Notify a hook at the host of the account that a change is about."""
        return self._hosts[change.owner.domainpart].hooks.notify(hook, change)

    def pause(self) -> Deferred[None]:
        """Let others have their turn."""
        return self._timers.wait()

    # -- shared groups ------------------------------------------------------------------------------------------------

    def set_overlay(self, domain: str, overlay: Overlay | None) -> None:
        """Let *overlay* say which contacts the accounts of *domain* share; None: none. `refresh` makes it seen."""
        if overlay is None:
            self._overlays.pop(domain, None)
        else:
            self._overlays[domain] = overlay

    @deferred
    async def refresh(self, domain: str) -> None:
        """Bring all loaded rosters of *domain* up to date with its overlay: pushes, and presence where it changed."""
        overlay = self._overlays.get(domain)
        owners = [known for known in self._known if _domain(known) == domain]
        for index, bare_jid in enumerate(owners, 1):
            async with self.exclusive(bare_jid) as roster:
                self._share(roster, overlay(bare_jid) if overlay is not None else NO_SHARED)
            if index % ROSTERS_A_TURN == 0:
                await self.pause()

    def _share(self, roster: Roster, shared: Mapping[str, RosterItem]) -> None:
        before = {item.jid: item for item in roster.items()}
        roster.share(shared)
        after = {item.jid: item for item in roster.items()}
        owner = JID.parse(roster.owner)
        for jid in sorted({*before, *after}):
            old, new = before.get(jid), after.get(jid)
            if old == new:
                continue
            was_seen, is_seen = (x is not None and x.subscription in ("from", "both") for x in (old, new))
            if was_seen and not is_seen:
                self.notify(WITHDRAWN, Withdrawn(owner, JID.of_prepared(jid)))
            self.push(roster, new or RosterItem(jid, subscription="remove"))
            if is_seen and not was_seen:
                self.notify(SUBSCRIBED_TO_US, Granted(owner, JID.of_prepared(jid)))


def _piece(item: RosterItem, known: tuple[RosterItem, bytes] | None) -> bytes:
    """Give an item as XML, as it is *known* already unless the item has changed."""
    return known[1] if known is not None and known[0] is item else item_xml(item).encode()


async def all_of(waits: list[Deferred[Any]]) -> None:
    """Wait for each of *waits*."""
    for waiting in waits:
        await waiting


def _domain(bare_jid: str) -> str:
    return bare_jid.rpartition("@")[2]

"""Whom accounts block (XEP-0191): store ``blocking``, a key for each blocked JID.

Rules that live here: who is covered by a blocked JID (3.2 ff., matching as in XEP-0016); a change is stored before it
holds; a blocked contact sees the account leave, one that is unblocked sees it again, and is asked for its own presence.

What it costs: the names of the accounts that block anybody are in memory, read once; the list of one of them is in
memory while it has a connected resource, and asked from the storage, by the sender's JID, while it has none.
"""

from collections.abc import Callable, Container, Iterator, Sequence, Set
from typing import NamedTuple

from twisted.internet.defer import Deferred

from xmppd.core.hooks import Hook
from xmppd.core.host import Hosts
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.session import Session
from xmppd.core.timers import Timer, Timers
from xmppd.core.turns import Turns
from xmppd.core.waiting import deferred
from xmppd.services.presence.presence import Presence
from xmppd.services.roster.roster import Roster
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Delete, Put, Storage
from xmppd.storage.pages import all_owners

STORE = "blocking"
NOBODY: Set[str] = frozenset()
CONTACTS_A_STEP = 50
"""Contacts that are looked at in one step of a fan-out."""
KEEP_S = 30.0
"""How long a list stays in memory after its account's last resource has left: presence that is being told needs it."""

Watcher = Callable[[], None]


class Blocked(NamedTuple):
    """An account has blocked somebody."""

    owner: JID
    command: Element
    """With an item for each whom it names, and what else an item may hold."""


BLOCKED = Hook[Blocked]("blocked", "Notified at the owner's host when an account has blocked somebody.")


class Blocking:
    """All block lists of this server."""

    def __init__(
        self,
        storage: Storage,
        hosts: Hosts,
        registry: SessionRegistry,
        router: Router,
        presence: Presence,
        timers: Timers,
        turns: Turns,
    ):
        self._storage = storage
        self._hosts = hosts
        self._registry = registry
        self._router = router
        self._presence = presence
        self._timers = timers
        self._turns = turns
        self._blockers: set[str] | None = None
        self._lists: dict[str, set[str]] = {}
        self._watchers: list[Watcher] = []

    # -- asking -------------------------------------------------------------------------------------------------------

    @property
    def is_used(self) -> bool:
        """Whether anybody blocks anybody; True as long as that is not known."""
        return self._blockers is None or bool(self._blockers)

    def watch(self, watcher: Watcher) -> None:
        """Call *watcher* whenever `is_used` has changed."""
        self._watchers.append(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        """Undo `watch`."""
        self._watchers.remove(watcher)

    def list_of(self, bare_jid: str) -> Set[str]:
        """Give whom an account with a connected resource blocks; at once."""
        return self._lists.get(bare_jid, NOBODY)

    async def blocked_by(self, bare_jid: str) -> Set[str]:
        """Give whom an account blocks, connected or not; waits where the list has to be read; `StorageError`."""
        return await self._current(bare_jid)

    def blocks(self, owner: str, other: JID) -> bool | Deferred[bool]:
        """Whether the account *owner* (bare JID) blocks *other*; waits where the account is offline and blocks."""
        if self._blockers is not None and owner not in self._blockers:
            return False
        blocked = self._lists.get(owner)
        return covers(blocked, other) if blocked is not None else self._look_up(owner, other)

    def may_pass(self, sender: str, target: str) -> bool:
        """Whether presence of *sender* may be shown to *target*, as far as those of them that are online object.

        Both are bare or full JIDs.
        """
        lists, owner, contact = self._lists, sender.partition("/")[0], target.partition("/")[0]
        if owner == contact:
            return True
        own, theirs = lists.get(owner), lists.get(contact)
        if own and covers(own, JID.parse(target)):
            return False
        return not (theirs and covers(theirs, JID.parse(sender)))

    @deferred
    async def _look_up(self, owner: str, other: JID) -> bool:
        if owner not in await self._ready():
            return False
        keys = dict.fromkeys((other.full, other.bare, other.domainpart))
        found = [self._storage.get(STORE, owner, key) for key in keys]
        return any([await value is not None for value in found])

    # -- sessions come and go -----------------------------------------------------------------------------------------

    def arrived(self, session: Session) -> Deferred[None] | None:
        """Have the list of an account ready that has a connected resource; None where nothing has to be read."""
        bare_jid = session.bare_jid or ""
        if bare_jid in self._lists or (self._blockers is not None and bare_jid not in self._blockers):
            return None
        return self._read(bare_jid)

    def left(self, bare_jid: str) -> None:
        """Forget the list of an account that has no connected resource any more, once all were told of that."""
        if bare_jid in self._lists and not self._registry.resources(bare_jid):
            self._timers.add(KEEP_S, self._expired, bare_jid)

    def _expired(self, now: float, timer: Timer, bare_jid: str) -> None:
        if not self._registry.resources(bare_jid):
            self._lists.pop(bare_jid, None)

    @deferred
    async def _read(self, bare_jid: str) -> None:
        if bare_jid not in await self._ready():
            return
        blocked = set(await self._storage.keys(STORE, bare_jid))
        if self._registry.resources(bare_jid):
            self._lists.setdefault(bare_jid, blocked)

    async def _ready(self) -> set[str]:
        """Give the accounts that block anybody."""
        if self._blockers is None:
            names = set(await all_owners(self._storage, STORE))
            if self._blockers is None:
                self._blockers = names
                self._switch()
        return self._blockers

    def _switch(self) -> None:
        self._presence.may_pass = self.may_pass if self._blockers else None
        for watcher in tuple(self._watchers):
            watcher()

    # -- changing -----------------------------------------------------------------------------------------------------

    @deferred
    async def block(self, owner: JID, jids: Sequence[JID]) -> None:
        """Let an account block *jids* too; they see it leave. Waits for the commit and for what they are told.

        Raises `StanzaError`: not-allowed for oneself, policy-violation where the list is full; `StorageError`.
        """
        bare_jid = owner.bare
        if any(jid.bare == bare_jid for jid in jids):
            raise StanzaError("not-allowed", "Nobody can block oneself")
        before = await self._current(bare_jid)
        new = [jid for full, jid in {jid.full: jid for jid in jids}.items() if full not in before]
        if len(before) + len(new) > self._hosts[owner.domainpart].settings.limits.blocked_jids:
            raise StanzaError("policy-violation", "The block list is full", type="cancel")
        await self._storage.commit(*(Put(STORE, bare_jid, jid.full, b"") for jid in new))
        self._changed(bare_jid, {*self._lists.get(bare_jid, before), *(jid.full for jid in new)})
        hidden = self._turns.run(self._hide(bare_jid, new))
        if hidden is not None:
            await hidden

    @deferred
    async def unblock(self, owner: JID, jids: Sequence[JID] | None) -> None:
        """Let an account block *jids* no more, None for all; they see it again. Waits as `block`; `StorageError`."""
        bare_jid = owner.bare
        before = await self._current(bare_jid)
        wanted = [JID.of_prepared(text) for text in sorted(before)] if jids is None else jids
        gone = [jid for jid in dict.fromkeys(wanted) if jid.full in before]
        await self._storage.commit(*(Delete(STORE, bare_jid, jid.full) for jid in gone))
        left = self._lists.get(bare_jid, before) - {jid.full for jid in gone}
        self._changed(bare_jid, set(left))
        shown = self._turns.run(self._show(bare_jid, gone))
        if shown is not None:
            await shown

    def let_go(self, owner: JID) -> None:
        """Keep nothing of an account in memory: it is gone, or its home is elsewhere now. What is stored stays."""
        self._changed(owner.bare, set())

    async def _current(self, bare_jid: str) -> Set[str]:
        if bare_jid not in await self._ready():
            return NOBODY
        blocked = self._lists.get(bare_jid)
        return blocked if blocked is not None else set(await self._storage.keys(STORE, bare_jid))

    def _changed(self, bare_jid: str, blocked: set[str]) -> None:
        was_used, blockers = self.is_used, self._blockers
        if blockers is None:
            return
        if blocked:
            blockers.add(bare_jid)
            self._lists[bare_jid] = blocked
            self.left(bare_jid)
        else:
            blockers.discard(bare_jid)
            self._lists.pop(bare_jid, None)
        if self.is_used != was_used:
            self._switch()

    # -- presence: each ``yield`` is a step of a fan-out ---------------------------------------------------------------

    def _hide(self, owner: str, jids: Sequence[JID]) -> Iterator[None]:
        """XEP-0191 3.3: unavailable presence to those who could see the account, and are blocked from now on."""
        those = _Those(jids)
        for session in self._registry.resources(owner):
            gone = Stanza.make("presence", from_=session.full_jid, type="unavailable")
            told: set[str] = set()
            for target in those.among(_contacts(session, "subscribers")):
                if target is not None and session.presence is not None:
                    told.add(target)
                    self._router.route(gone.replace(to=target))
                yield
            for target in [
                each for each in session.directed or () if covers(those.full, JID.of_prepared(each))
            ]:
                (session.directed or {}).pop(target, None)
                if not told & {target, JID.of_prepared(target).bare}:
                    self._router.route(gone.replace(to=target))
                yield

    def _show(self, owner: str, jids: Sequence[JID]) -> Iterator[None]:
        """XEP-0191 3.4: current presence to those who may see the account again; theirs is asked for."""
        those = _Those(jids)
        for session in self._registry.resources(owner):
            full_jid = session.full_jid or ""
            for target in those.among(_contacts(session, "subscribers")):
                if target is not None and session.presence is not None and self.may_pass(full_jid, target):
                    self._router.route(self._presence.shown(session).replace(to=target))
                yield
            for target in those.among(_contacts(session, "subscriptions")):
                if target is not None and session.presence is not None and self.may_pass(target, full_jid):
                    self._router.route(Stanza.make("presence", from_=full_jid, to=target, type="probe"))
                yield


class _Those:
    """JIDs that are blocked or unblocked at a time, however many; finds the contacts that they stand for."""

    def __init__(self, jids: Sequence[JID]):
        self.full = frozenset(jid.full for jid in jids)
        self._of: dict[str, list[str]] = {}
        for jid in jids:
            if jid.localpart is not None or jid.resourcepart is not None:
                self._of.setdefault(jid.bare, []).append(jid.full)

    def among(self, contacts: Sequence[str]) -> Iterator[str | None]:
        """Give the addresses that these JIDs stand for among *contacts*; None where others may have a turn."""
        for index, contact in enumerate(contacts):
            if contact.rpartition("@")[2] in self.full:
                yield contact
                continue
            yield from self._of.get(contact, ())
            if index % CONTACTS_A_STEP == 0:
                yield None


def covers(blocked: Container[str], jid: JID) -> bool:
    """Whether one of the *blocked* JIDs stands for *jid*: itself, its account, or its domain (XEP-0191 3.1)."""
    return jid.full in blocked or jid.bare in blocked or jid.domainpart in blocked


def _contacts(session: Session, kind: str) -> Sequence[str]:
    roster = session.roster
    if not isinstance(roster, Roster):
        return ()
    return roster.subscribers if kind == "subscribers" else roster.subscriptions

"""Push notifications: XEP-0357 0.4.1. Who is told what when, and when a registration has failed for good.

Rules that live here:

- the first notification leaves at once; what comes within the next moment, or before the push service has answered,
  is merged into one more, with the number of all that waits: no service gets more than one request at a time;
- a message in the offline store is told to every registration of the account; one that another client has taken, and
  the archive keeps, to those whose client has no session; one in the queue of a session without a connection to the
  registration of that client, or, if it has none, to those whose client is not connected and has not been told;
- an error that will not pass removes the registration (XEP-0357 7.1). One that may pass is tried again, after 1, 2, 4 …
  seconds, up to an hour, until there were too many in a row: a timeout, an error of type "wait", and
  remote-server-not-found, since a name that is not found now may be found later;
- the notification says how many messages wait; who has sent the last one and what it says only where the host's
  configuration wants that (section 9).
"""

from collections.abc import Callable, Container, Mapping
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.core.bounded import Bounded
from xmppd.core.directory import AccountDirectory
from xmppd.core.ids import Ids
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.timers import Timer, Timers
from xmppd.core.waiting import deferred, spawn
from xmppd.services.push.publication import body_of, publication, summary
from xmppd.services.push.registrations import Registration
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.importance import original_of
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.stanza.stanza_ids import stanza_id_of
from xmppd.storage.interface import Change, Delete, Put, Storage, StorageError
from xmppd.storage.pages import all_owners

STORE: Final = "push"
REMEMBERED: Final = 10_000
"""Of so many accounts the registrations are in memory, also that there are none."""
PASSING: Final = frozenset(("remote-server-not-found", "remote-server-timeout"))
BUSY: Final = "resource-constraint"
"""Too much is going on, here or there: tried again, and no failure."""
LONGEST_PAUSE_S: Final = 3_600.0


class PushSettings(NamedTuple):
    """What a host allows."""

    registrations: int
    failures: int
    interval_s: float
    timeout_s: float
    shows_sender: bool
    shows_body: bool


class _Target:
    """A registration at work."""

    __slots__ = (
        "body",
        "failures",
        "is_asked",
        "is_enabled",
        "is_owing",
        "owner",
        "registration",
        "sender",
        "timer",
        "waiting",
    )

    def __init__(self, owner: JID, registration: Registration):
        self.owner = owner
        self.registration = registration
        self.is_enabled = True
        self.failures = 0
        self.waiting = 0
        """Messages that wait, as far as this server knows since it started."""
        self.sender = self.body = ""
        """Of the last of them, where the host wants it told."""
        self.is_owing = False
        """Whether something has come that the service was not told of."""
        self.is_asked = False
        """Whether the service has still to answer."""
        self.timer: Timer | None = None
        """Running while nothing may be sent."""

    @property
    def may_be_told(self) -> bool:
        """Whether a notification can leave now."""
        return self.is_enabled and not self.is_asked and self.timer is None


Targets = list[_Target]
Watcher = Callable[[JID, Stanza, Mapping[Registration, bool]], None]
"""Hears of something that is worth waking for: whose it is, and which registrations are told, at once or soon."""


class Push:
    """All push registrations of this server."""

    _log = Logger()

    def __init__(
        self,
        registry: SessionRegistry,
        router: Router,
        directory: AccountDirectory,
        storage: Storage,
        timers: Timers,
        random_text: Callable[[int], str],
        node: str = "",
    ):
        """*random_text* gives so many unguessable bytes as text; ids of requests begin with *node*."""
        self._registry = registry
        self._router = router
        self._directory = directory
        self._storage = storage
        self._timers = timers
        self._ids = Ids(random_text, node)
        self._accounts: Bounded[str, dict[str, _Target]] = Bounded(REMEMBERED, _is_busy)
        self._loading: dict[str, list[Deferred[dict[str, _Target]]]] = {}
        self._owners: set[str] = set()
        """Who may have registrations; nobody is missing once that is learnt."""
        self._is_learnt = False
        self.settings: dict[str, PushSettings] = {}
        """By host; a module puts in what is configured."""
        self.watchers: list[Watcher] = []
        """Who hears which registrations are told of what waits."""

    # -- registrations ------------------------------------------------------------------------------------------------

    @deferred
    async def enable(self, owner: JID, registration: Registration) -> None:
        """Keep a registration; one of the same JID and node is replaced. Waits for the commit.

        Raises `StanzaError` where the account has too many; `StorageError`, and then nothing changed.
        """
        targets, key = await self._of(owner), registration.key
        is_new = key not in targets
        if is_new and len(targets) >= self.settings[owner.domainpart].registrations:
            raise StanzaError("resource-constraint", "The account has too many push registrations")
        if not self._directory.exists(owner.bare):
            raise StanzaError("not-allowed", "Only an account that lasts can be told of what waits for it")
        target = _Target(owner, registration)
        target.is_enabled = False
        self._owners.add(owner.bare)
        if is_new:
            targets[key] = target  # its place is taken
        try:
            await self._storage.commit(Put(STORE, owner.bare, key, registration.to_json()))
        except StorageError:
            if targets.get(key) is target:
                del targets[key]
            raise
        self._retire(targets.pop(key, None))
        target.is_enabled = True
        targets[key] = target

    @deferred
    async def disable(self, owner: JID, jid: str, node: str | None = None) -> None:
        """Forget the registrations with *jid*, or the one with this *node* (XEP-0357 6); harmless if there is none.

        Waits for the commit; `StorageError`, and then nothing changed.
        """
        await self._disable(
            owner, lambda registration: registration.jid == jid and node in (None, registration.node)
        )

    def client_revoked(self, owner: str, resources: frozenset[str]) -> None:
        """A client is no longer the user's: nobody is told for it what waits."""
        gone = self._disable(JID.parse(owner), lambda registration: registration.client in resources)
        spawn("removing the push registrations of a client", gone)

    async def _disable(self, owner: JID, is_meant: Callable[[Registration], bool]) -> None:
        targets = await self._of(owner)
        gone = [key for key, target in targets.items() if is_meant(target.registration)]
        changes: list[Change] = [Delete(STORE, owner.bare, key) for key in gone]
        if changes:
            await self._storage.commit(*changes)
        for key in gone:
            self._retire(targets.pop(key, None))

    @deferred
    async def registrations(self, owner: JID) -> tuple[Registration, ...]:
        """Give what an account has enabled. Waits for the storage."""
        return tuple(target.registration for target in (await self._of(owner)).values() if target.is_enabled)

    def let_go(self, owner: JID) -> None:
        """Keep nothing of an account in memory: it is gone, or its home is elsewhere now. What is stored stays."""
        self._owners.discard(owner.bare)
        for target in self._accounts.pop(owner.bare, {}).values():
            self._retire(target)

    @deferred
    async def learn(self) -> None:
        """Read once who has registrations; until that is done, each is asked for. Waits; `StorageError`."""
        if not self._is_learnt:
            self._owners.update(await all_owners(self._storage, STORE))
            self._is_learnt = True

    def may_have(self, owner: str) -> bool:
        """Whether an account may have registrations; answers at once."""
        return not self._is_learnt or owner in self._owners

    def _of(self, owner: JID) -> Deferred[dict[str, _Target]]:
        """Give the registrations of an account by their keys. Waits for the storage at the first time."""
        known = self._accounts.get(owner.bare)
        if known is not None:
            return succeed(known)
        waiting: Deferred[dict[str, _Target]] = Deferred()
        others = self._loading.get(owner.bare)
        if others is not None:
            others.append(waiting)
            return waiting
        self._loading[owner.bare] = [waiting]
        self._storage.get_all(STORE, owner.bare).addBoth(self._loaded, owner)
        return waiting

    def _loaded(self, stored: Mapping[str, bytes] | Failure, owner: JID) -> None:
        all_waiting = self._loading.pop(owner.bare)
        if isinstance(stored, Failure):
            for waiting in all_waiting:
                waiting.errback(stored)
            return
        targets: dict[str, _Target] = {}
        for key, data in stored.items():
            try:
                targets[key] = _Target(owner, Registration.from_json(data))
            except ValueError as error:
                self._log.error(
                    "A push registration of {owner} cannot be read: {error}",
                    owner=owner.bare,
                    error=str(error),
                )
        self._accounts.keep(owner.bare, targets)
        if not targets:
            self._owners.discard(owner.bare)
        for waiting in all_waiting:
            waiting.callback(targets)

    # -- what waits ---------------------------------------------------------------------------------------------------

    def stored(self, owner: JID, stanza: Stanza) -> None:
        """*stanza*, which is worth waking for, has gone into the offline store: all are told."""
        self._tell(owner, stanza, lambda targets: targets)

    def queued(self, owner: JID, stanza: Stanza, client: str | None) -> None:
        """*stanza* waits for the session of a *client* that has no connection."""
        self._tell(owner, stanza, lambda targets: self._beside(owner, client, stanza, targets))

    def delivered(self, owner: JID, stanza: Stanza) -> None:
        """Other clients have taken *stanza*, and the archive keeps it: those that have no session are told."""
        present = {session.resource for session in self._registry.resources(owner.bare)}
        self._tell(owner, stanza, lambda targets: _others(targets, present))

    def _beside(self, owner: JID, client: str | None, stanza: Stanza, targets: Targets) -> Targets:
        own = [target for target in targets if target.registration.client == client]
        if own:
            return own
        sessions = self._registry.resources(owner.bare)
        found = _others(targets, {session.resource for session in sessions if session.conn is not None})
        if stanza_id_of(original_of(stanza), owner.bare) is None:
            return found
        present = {session.resource for session in sessions}  # the others were told when it was delivered
        return [target for target in found if target.registration.client in present]

    def _tell(self, owner: JID, stanza: Stanza, choose: Callable[[Targets], Targets]) -> None:
        targets = self._accounts.get(owner.bare)
        if targets is not None:
            self._tell_these(owner, stanza, choose, targets)
        elif self.may_have(owner.bare):
            spawn("learning of push registrations", self._tell_later(owner, stanza, choose))

    async def _tell_later(self, owner: JID, stanza: Stanza, choose: Callable[[Targets], Targets]) -> None:
        self._tell_these(owner, stanza, choose, await self._of(owner))

    def _tell_these(
        self, owner: JID, stanza: Stanza, choose: Callable[[Targets], Targets], targets: Mapping[str, _Target]
    ) -> None:
        settings = self.settings.get(owner.domainpart)
        chosen = choose([*targets.values()])
        if settings is None:
            return
        for watcher in self.watchers:
            watcher(owner, stanza, {each.registration: each.may_be_told for each in chosen})
        original = original_of(stanza)
        sender = (original.from_ or "") if settings.shows_sender else ""
        body = body_of(original) if settings.shows_body else ""
        for target in chosen:
            target.waiting += 1
            target.sender, target.body = sender, body
            target.is_owing = True
            self._publish(target)

    def seen(self, owner: JID, client: str | None, *, is_kept: bool) -> None:
        """A *client* has come: what waited is on its way to it.

        It is for others no longer, unless it waits for their sessions, or *is_kept* for them in the archive.
        """
        sessions = self._registry.resources(owner.bare)
        absent = {session.resource for session in sessions if session.conn is None}
        for target in self._accounts.get(owner.bare, {}).values():
            mine = target.registration.client
            if mine == client or not (is_kept or mine in absent):
                target.waiting = 0
                target.sender = target.body = ""
                target.is_owing = False

    # -- publishing ---------------------------------------------------------------------------------------------------

    def _publish(self, target: _Target) -> None:
        """Send what is due, unless something is on its way or must wait; then it follows."""
        settings = self.settings.get(target.owner.domainpart)
        if settings is None or not target.is_owing or not target.may_be_told:
            return
        target.is_owing = False
        target.is_asked = True
        target.timer = self._timers.add(settings.interval_s, self._may_go_on, target)
        told = summary(target.waiting, target.sender, target.body)
        request = publication(target.owner, target.registration, told, self._ids.next())
        answer = self._router.request(request, settings.timeout_s)
        published = answer.addCallback(self._published, target)
        published.addErrback(self._refused, target, settings).addErrback(self._broken, target)

    def _may_go_on(self, now: float, timer: Timer, target: _Target) -> None:
        target.timer = None
        self._publish(target)

    def _published(self, _: Stanza, target: _Target) -> None:
        target.is_asked = False
        target.failures = 0
        self._publish(target)

    def _refused(self, failure: Failure, target: _Target, settings: PushSettings) -> None:
        target.is_asked = False
        failure.trap(StanzaError)
        error = failure.value
        assert isinstance(error, StanzaError)
        if not target.is_enabled:
            return
        if error.condition != BUSY:
            target.failures += 1
        is_passing = error.type == "wait" or error.condition in PASSING
        if not is_passing or target.failures >= settings.failures:
            self._remove(target, error.condition)
            return
        if target.waiting:
            target.is_owing = True
        if target.timer is not None:
            self._timers.stop(target.timer)
        pause_s = min(LONGEST_PAUSE_S, settings.interval_s * 2.0**target.failures)
        target.timer = self._timers.add(pause_s, self._may_go_on, target)

    def _broken(self, failure: Failure, target: _Target) -> None:
        self._log.failure("A push for {owner} has failed", failure, owner=target.owner.bare)

    def _remove(self, target: _Target, condition: str) -> None:
        owner, registration = target.owner.bare, target.registration
        self._log.info(
            "A push registration of {owner} with {jid} is removed: {condition}",
            owner=owner,
            jid=registration.jid,
            condition=condition,
        )
        targets = self._accounts.get(owner, {})
        if targets.get(registration.key) is target:
            del targets[registration.key]
        self._retire(target)
        spawn("removing a push registration", self._storage.commit(Delete(STORE, owner, registration.key)))

    def _retire(self, target: _Target | None) -> None:
        """Nothing is published for it any more."""
        if target is not None:
            target.is_enabled = False
            if target.timer is not None:
                self._timers.stop(target.timer)
                target.timer = None


def _others(targets: Targets, clients: Container[str | None]) -> Targets:
    return [target for target in targets if target.registration.client not in clients]


def _is_busy(targets: Mapping[str, _Target]) -> bool:
    return any(target.is_asked or target.timer is not None or target.is_owing for target in targets.values())

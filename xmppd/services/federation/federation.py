"""The door to all other servers: a queue for each pair of domains, policies, and what an operator asks of them."""

from collections.abc import MutableMapping
from itertools import islice
from random import Random
from typing import Any, Final

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger

from xmppd.config.s2s import S2s
from xmppd.core.counters import stanzas
from xmppd.core.environment import CurrentConfiguration, Environment
from xmppd.core.events import Traffic
from xmppd.core.host import Hosts
from xmppd.core.ids import Ids
from xmppd.core.router import SUBSCRIPTION_TYPES, Router
from xmppd.core.timers import Timers
from xmppd.core.waiting import spawn
from xmppd.services.federation.contacts import RemoteContacts
from xmppd.services.federation.counters import Counters
from xmppd.services.federation.outbound import Carrier, Connections, Failed, Item, Open, Sender, Unreachable
from xmppd.services.federation.pair import Pair
from xmppd.services.federation.pair_parts import PairParts
from xmppd.services.federation.received import Received
from xmppd.services.federation.rows import Kept, Rows
from xmppd.services.federation.sent import left_of
from xmppd.services.federation.shares import Key, Shares
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.kinds import kind_of
from xmppd.stanza.stanza import Stanza

SWEEP_S: Final = 5.0
"""How often queues are looked through for what is too old, and carriers for those that are idle."""
SWEPT: Final = 500
"""So many pairs are looked at in one turn."""
LOOKED_AT: Final = 100
"""So many, one after another, where there is no room for a new one."""


class Federation:
    """All pairs of domains. Does nothing before `start`."""

    _log = Logger()

    def __init__(
        self,
        router: Router,
        hosts: Hosts,
        timers: Timers,
        current: CurrentConfiguration,
        environment: Environment,
        contacts: RemoteContacts,
    ):
        self._router = router
        self._hosts = hosts
        self._timers = timers
        self._current = current
        self._now = environment.now
        self.counters = Counters()
        self.taken = stanzas()
        """What was to go to other servers since the start."""
        self.rows = Rows(router.storage, timers, Ids(environment.random_text, environment.node).next)
        self.received = Received(router.storage, Ids(environment.random_text, environment.node).next)
        """What counts the stanzas that come."""
        self.contacts = contacts
        """Whose presence was heard from elsewhere."""
        self.open: Open = _nobody
        """Who finds streams; set by who has connections."""
        self.connections: Connections = tuple
        """The streams that there are, both ways; set by the same."""
        self.pairs: dict[Key, Pair] = {}
        self._shares = Shares()
        self._to_sweep: list[tuple[str, str]] = []
        self._after_load: list[Deferred[None]] | None = None
        """Searches that wait until what an earlier run has left is read: that may be a stream to resume. Then None."""
        self._parts = PairParts(
            self._open,
            router.refuse,
            self.rows,
            timers,
            lambda: current.config.s2s,
            environment.now,
            Random(environment.random_text(8)).random,
            self.counters,
            contacts,
        )

    @property
    def settings(self) -> S2s:
        """What holds now."""
        return self._current.config.s2s

    def start(self, open_: Open, connections: Connections) -> None:
        """Take stanzas for other servers from now on; *open_* finds streams for them."""
        self.open, self.connections = open_, connections
        self._router.remote.open(self)
        self._timers.add(SWEEP_S, self._sweep)
        self._after_load = []
        spawn("queues to other servers", self._load())

    def stop(self) -> None:
        """Take nothing more."""
        self.open = _nobody
        self._router.remote.close(self)
        for pair in self.pairs.values():
            pair.stop()
        self.rows.flush()

    # -- the door -----------------------------------------------------------------------------------------------------

    def take(self, traffic: Traffic) -> bool:
        """Send a stanza to another server, at once or when that is reached."""
        key = (traffic.sender.domainpart, traffic.target.domainpart)
        pair = self.pairs.get(key)
        if pair is None:
            pair = self._new_pair(*key, traffic.sender.bare)
        stanza, inlet = traffic.stanza, traffic.inlet
        self.taken[stanza.name] += 1
        row, mark = "", b""
        is_kept = kind_of(stanza).is_durable if stanza.name == "message" else _must_arrive(stanza)
        is_promised = inlet is not None and inlet.ledger is not None
        if is_kept and is_promised and inlet is traffic.origin and not (traffic.changes or traffic.hops):
            # It changes nothing else, and is not what another has become: its commit may not be needed.
            held = traffic.held = pair.hold(stanza, inlet.ledger)  # type: ignore[union-attr,arg-type]  # of a session
            if held is not None:
                return True
        pair.check(is_kept)
        if is_kept and (is_promised or pair.carrier is None):
            row, mark = self.rows.new_id(), pair.next_mark
            traffic.changes.append(self.rows.keeping(*key, row, stanza, self._now(), mark))
        pair.take(stanza, row, is_kept, mark)
        return True

    def pair(self, ours: str, theirs: str) -> Pair:
        """Give the pair of a (prepared) domain of ours and another one; StanzaError where there can be none."""
        return self.pairs.get((ours, theirs)) or self._new_pair(ours, theirs)

    def _new_pair(self, ours: str, theirs: str, who: str = "") -> Pair:
        """*who* has something for it; it is nobody's where an operator, or an earlier run, has."""
        settings = self.settings
        if not settings.may_talk_to(theirs):
            raise StanzaError("policy-violation", f"This server does not talk to {theirs}", type="cancel")
        if ours not in self._hosts:
            raise StanzaError("remote-server-not-found")
        if who and self._shares.is_full(who, settings.queues):
            self._make_room(self._shares.of(who), "You talk to too many servers")
        elif len(self.pairs) >= settings.queues:
            self._make_room(self.pairs, "Too many servers are talked to")
        key = ours, theirs
        pair = self.pairs[key] = Pair(ours, theirs, self._parts)
        if who:
            self._shares.add(key, who)
        return pair

    def _make_room(self, keys: MutableMapping[Key, Any], why: str) -> None:
        """Forget one of *keys* of which there is nothing to know but that it has failed; StanzaError where none is."""
        for key in list(islice(keys, LOOKED_AT)):
            if self.pairs[key].is_forgettable:
                self._forget(key)
                return
            keys[key] = keys.pop(key)  # others are looked at the next time
        raise StanzaError("resource-constraint", why, type="wait")

    def _forget(self, key: Key) -> None:
        self.pairs.pop(key).stop()
        self._shares.remove(key)

    def _open(self, sender: Sender) -> Deferred[Carrier]:
        if self._after_load is None:
            return self.open(sender)
        waiting: Deferred[None] = Deferred()
        self._after_load.append(waiting)
        return waiting.addCallback(lambda _: self.open(sender))

    # -- what streams that come in tell -------------------------------------------------------------------------------

    def came(self, ours: str, theirs: str) -> None:
        """Another server has proved who it is: it is there, so that what waits for it is tried now."""
        pair = self.pairs.get((ours, theirs))
        if pair is not None:
            pair.seen()
        self.contacts.reached(ours, theirs)

    def resumed(self, ours: str, theirs: str, id: str, h: int) -> bool:
        """Another server resumes its stream *id*, on which it has got *h* stanzas of ours (XEP-0288).

        Gives whether more may go that way.
        """
        pair = self.pairs.get((ours, theirs))
        return self._after_load is None and (pair is None or pair.resumed(id, h))

    # -- from time to time --------------------------------------------------------------------------------------------

    def _sweep(self, now: float, timer: object, param: None) -> float:
        """Look at some pairs, and go on with the others in the next turn."""
        settings, wall = self.settings, self._now()
        waiting = self._to_sweep = self._to_sweep or list(self.pairs)
        for key in [waiting.pop() for _ in range(min(SWEPT, len(waiting)))]:
            pair = self.pairs.get(key)
            if pair is None:
                continue
            if not settings.may_talk_to(pair.theirs):  # a reload has brought that
                pair.cut(
                    Failed("policy-violation", f"This server does not talk to {pair.theirs}", is_final=True)
                )
                self.contacts.unreachable(*key)
            pair.expire(wall - settings.queue_age_s)
            is_unused = wall - pair.last_used_at > settings.idle_s
            if is_unused:
                pair.rest()
            has_failed = (
                pair.failed_at > wall - settings.retry_max_s
            )  # what comes next must not be tried sooner
            if pair.is_idle and not has_failed and (is_unused or pair.left is None):
                self._forget(key)
        return 0.0 if waiting else SWEEP_S

    async def _load(self) -> None:
        """Go on with what an earlier run has left; then streams are looked for."""
        try:
            await self._load_all()
        finally:
            waiting, self._after_load = self._after_load or [], None
            for each in waiting:
                each.callback(None)

    async def _load_all(self) -> None:
        for host in list(self._hosts):
            for theirs in await self.rows.pairs_of(host.name):
                waiting = await self.rows.load(host.name, theirs)
                try:
                    pair = self.pair(host.name, theirs)
                except StanzaError as error:
                    for each in waiting:
                        self._router.refuse(each.stanza, error)
                    self.rows.done(host.name, theirs, [each.row for each in waiting])
                    continue
                self._put_first(pair, waiting)

    def _put_first(self, pair: Pair, waiting: list[Kept]) -> None:
        """What is older than what came since the start goes ahead of it; what came is read too, and is not doubled."""
        known = {item.row for item in pair.queue if item.row}
        items = [
            Item(each.stanza, each.row, each.at, True, each.mark) for each in waiting if each.row not in known
        ]
        marks = {each.row: each.mark for each in waiting}
        pair.left = left_of((item, marks[item.row]) for item in items)
        for item in reversed(items):
            pair.queue.appendleft(item)
            pair.size_bytes += item.size_bytes
        if pair.queue:
            pair.wake()

    # -- operators ----------------------------------------------------------------------------------------------------

    def connect(self, ours: str, theirs: str) -> Pair:
        """Look for a stream now, whatever has failed before."""
        pair = self.pair(ours, theirs)
        pair.retry_now()
        return pair

    def close(self, theirs: str) -> int:
        """End what goes to this domain; what waits goes back. Gives how many pairs that were."""
        found = [pair for pair in self.pairs.values() if pair.theirs == theirs]
        for pair in found:
            pair.cut(Failed("remote-server-timeout", f"The connection to {theirs} was closed by an operator"))
        return len(found)


def _must_arrive(stanza: Stanza) -> bool:
    """Whether what is no message waits for a server that is not there: else rosters would not agree (RFC 6121 3)."""
    return stanza.name == "presence" and stanza.type in SUBSCRIPTION_TYPES


def _nobody(sender: Sender) -> Deferred[Carrier]:
    failed = Failed("remote-server-not-found", "This server does not talk to others", is_final=True)
    return fail(Unreachable(failed))

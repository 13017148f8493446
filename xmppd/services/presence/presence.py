"""Who is there: RFC 6121 4, without subscriptions.

Rules that live here: what initial, later and final presence sets in motion, who hears of it, what is shown to those
who come later (with the time of XEP-0203), directed presence and its retraction, and the answers to probes.
Fan-out is serialised once and yields to others by `xmppd.core.turns`; after each pause the world is looked at anew.

Who comes while another is told of: all presence of this server is numbered in its order. A broadcast is for sessions
that became available before it, and who becomes available is shown what was broadcast before; so each presence
reaches each session once, however the two fan-outs take turns. A full JID is bound anew only when everybody has been
told that the session before it has left.
"""

from collections.abc import Callable, Collection, Container, Iterable, Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeVar

from twisted.internet.defer import Deferred

from xmppd.core.fanout import Fanout
from xmppd.core.hooks import Hook, Station
from xmppd.core.host import Hosts
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.session import Session
from xmppd.core.stations import NOTING
from xmppd.core.turns import DELIVERED, EXAMINED, JAMMED, SHOWN, Steps, Turns, at_once
from xmppd.services.roster.roster import Roster, Rosters
from xmppd.stanza.element import Element
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza

R = TypeVar("R")

ORDINARY_CHARS = 128
DIRECTED_CHARS = 262_144
"""What the addresses may have together to which a session has sent presence, where there are longer ones among them:
each costs much to prepare when it is taken back."""
UNSENT_BYTES = 1024 * 1024
"""A client with more than this to receive is given time before it is shown more contacts."""
NS_DELAY = "urn:xmpp:delay"
LOWEST, HIGHEST = -128, 127

REQUESTING: Final = Station(
    "requesting", "Sends the subscription requests that wait, before offline messages."
)
BECAME_AVAILABLE = Hook[Session](
    "became-available",
    "Notified after the initial presence of a session was dealt with (RFC 6121 4.2).",
    REQUESTING,
    NOTING,
)
PRESENCE_CHANGED = Hook[Session](
    "presence-changed",
    "Notified after each undirected available presence of a session, the initial one included.",
)
MayPass = Callable[[str, str], bool]
"""Whether presence of a JID, bare or full, may be shown to another; both sides' wishes counted."""


class Leave(NamedTuple):
    """A session that is leaving, as it was when it left."""

    stanza: Stanza
    bare_jid: str
    was_available: bool
    subscribers: tuple[str, ...]
    directed: Collection[str]
    number: int


class Presence:
    """Presence of local clients: keeps it with their sessions, and tells who must know."""

    def __init__(
        self,
        hosts: Hosts,
        registry: SessionRegistry,
        rosters: Rosters,
        router: Router,
        turns: Turns,
        now: Callable[[], float],
    ):
        """*now* is wall time in seconds since 1970."""
        self._hosts = hosts
        self._registry = registry
        self._rosters = rosters
        self._router = router
        self._turns = turns
        self._now = now
        self.may_pass: MayPass | None = None
        """Set by who keeps block lists."""
        self.watchers: list[Callable[[Session], None]] = []
        """Who hears, behind all hooks, of each session at whatever host that is available now or has changed."""
        self._last_number = 0
        self._leaves: dict[str, Deferred[None]] = {}

    # -- what a client says of itself ---------------------------------------------------------------------------------

    def available(self, session: Session, stanza: Stanza, priority: int) -> Deferred[None] | None:
        """Initial or later presence without ``to`` (RFC 6121 4.2, 4.4); *priority* is clamped to -128..127.

        None when all are told, else a Deferred: the session's next stanza waits for it.
        """
        is_initial = session.presence is None
        session.presence = stanza
        session.presence_shown = None
        session.presence_at = self._now()
        session.presence_number = self._next_number()
        if is_initial:
            session.available_number = session.presence_number
        session.priority = max(LOWEST, min(HIGHEST, priority))
        audience = len(session.roster.subscribers) if isinstance(session.roster, Roster) else 0
        told = self._turns.run(self._coming(session, stanza, is_initial), at_once(audience))
        if told is None:
            return self._came(session, stanza, is_initial)
        return told.addCallback(lambda _: self._came(session, stanza, is_initial))

    def unavailable(self, session: Session, stanza: Stanza) -> Deferred[None] | None:
        """Presence of type unavailable without ``to``, of the client or made at its end (RFC 6121 4.5)."""
        was_available = session.presence is not None
        session.presence = None
        session.priority = 0
        roster, bare_jid = session.roster, session.bare_jid or ""
        subscribers = roster.subscribers if was_available and isinstance(roster, Roster) else ()
        directed, session.directed = session.directed, None
        if was_available and not session.is_ended:
            session.send(stanza.replace(to=bare_jid))
        leave = Leave(stanza, bare_jid, was_available, subscribers, directed or (), self._next_number())
        told = self._turns.run(self._leaving(leave), at_once(len(subscribers)))
        if told is not None:
            full_jid = session.full_jid or ""
            self._leaves[full_jid] = told
            told.addBoth(self._left, full_jid)
        return told

    def left(self, full_jid: str) -> Deferred[None] | None:
        """Wait until everybody knows that the last session of this full JID has left; None where all do."""
        leave = self._leaves.get(full_jid)
        if leave is None:
            return None
        done: Deferred[None] = Deferred()
        leave.addBoth(_tell, done)
        return done

    def directed(self, session: Session, stanza: Stanza, target: JID) -> None:
        """Note presence sent to somebody in particular, so that it can be retracted (RFC 6121 4.6)."""
        if stanza.type is None:
            if session.directed is None:
                session.directed = {}
            session.directed[target.full] = None
            while self._are_too_many(session.directed, target, session.host or ""):
                self._retract(session, next(iter(session.directed)))
        elif session.directed is not None:
            session.directed.pop(target.full, None)

    def _are_too_many(self, directed: Collection[str], latest: JID, host: str) -> bool:
        if len(directed) > self._hosts[host].settings.limits.directed_presences:
            return True
        return len(latest.full) > ORDINARY_CHARS and sum(map(len, directed)) > DIRECTED_CHARS

    # -- what comes for an account ------------------------------------------------------------------------------------

    def deliver(self, stanza: Stanza, target: JID) -> None:
        """Presence of somebody for a local account: to the resource named, or to all available ones (8.5)."""
        if target.resourcepart is not None:
            session = self._registry.get(target.full)
            if session is not None:
                session.send(stanza)
        elif stanza.type != "error":
            self._registry.send_to_available_resources(target.bare, stanza)

    async def probed(self, sender: JID, target: JID) -> None:
        """Answer a probe (RFC 6121 4.3.2): presence to who may see it, unsubscribed to all others.

        Nothing to who has asked for a subscription and waits for the answer: that would be taken for one. For nobody
        no roster is read: names that a stranger makes up would drive those in use out of memory.
        """
        roster = await self._rosters.load(target.bare) if self._router.is_somebody(target.bare) else None
        if roster is None or not roster.may_see_presence(sender.bare):
            if roster is None or not roster.state(sender.bare).asked:
                self._refuse_probe(sender, target)
            return
        if not self.passes(target.bare, sender.full):
            return
        sessions = [s for s in self._registry.resources(target.bare) if s.presence is not None]
        if target.resourcepart is not None:
            sessions = [session for session in sessions if session.resource == target.resourcepart]
        for session in sessions:
            self._router.route(self.shown(session).replace(to=sender.full))
        if not sessions:
            gone = Stanza.make("presence", from_=target.full, to=sender.full, type="unavailable")
            self._router.route(gone)

    def _refuse_probe(self, sender: JID, target: JID) -> None:
        """Say that there is no subscription. A client that has asked itself hears it where its roster says so too,

        and nothing would be changed, so that nothing would be delivered, by the answer (RFC 6121 A.3.4).
        """
        refusal = Stanza.make("presence", from_=target.bare, to=sender.bare, type="unsubscribed")
        session = self._registry.get(sender.full)
        roster = None if session is None else session.roster
        if session is not None and isinstance(roster, Roster) and not roster.sees_presence_of(target.bare):
            session.send(refusal.replace(to=sender.full))
        else:
            self._router.route(refusal)

    # -- what changes in a roster -------------------------------------------------------------------------------------

    def granted(self, owner: JID, contact: JID) -> None:
        """A contact may see an account's presence from now on: show it (RFC 6121 3.1.5)."""
        for session in self._registry.resources(owner.bare):
            if session.presence is not None and self.passes(session.full_jid or "", contact.bare):
                self._router.route(self.shown(session).replace(to=contact.bare))

    def withdrawn(self, owner: JID, contact: JID) -> None:
        """A contact may no longer see an account's presence: take it back (RFC 6121 3.2.1, 3.3.3)."""
        for session in self._registry.resources(owner.bare):
            if session.presence is not None:
                gone = Stanza.make("presence", from_=session.full_jid, type="unavailable")
                self._send_one(gone, contact.bare)
                for target in _directed_to(session, contact):
                    _forget(session, target)
                    if not self._is_told(JID.of_prepared(target), (contact.bare,), self._next_number()):
                        self._send_one(gone, target)

    # -- the steps of a fan-out ----------------------------------------------------------------------------------------

    def _coming(self, session: Session, stanza: Stanza, is_initial: bool) -> Steps:
        if session.presence is not stanza:
            return
        for cost in self._tell_subscribers(session, stanza):
            yield cost
            if session.presence is not stanza:
                return
        if is_initial:
            for cost in self._show_contacts(session):
                yield cost
                if session.presence is not stanza:
                    return

    def _came(self, session: Session, stanza: Stanza, is_initial: bool) -> Deferred[None] | None:
        """Tell the rest of the server; the session's next stanza waits for what is due at initial presence."""
        if session.presence is not stanza or session.host is None:
            return None
        hooks = self._hosts[session.host].hooks
        if is_initial:
            waiting = hooks.notify(BECAME_AVAILABLE, session)
            if waiting is not None:
                return waiting.addCallback(lambda _: self._came(session, stanza, False))
        hooks.notify(PRESENCE_CHANGED, session)
        for watcher in self.watchers:
            watcher(session)
        return None

    def _tell_subscribers(self, session: Session, stanza: Stanza) -> Steps:
        """RFC 6121 4.2.2, 4.4.2: to all contacts with a subscription, and to all one's own available resources."""
        roster, bare_jid, number = session.roster, session.bare_jid or "", session.presence_number
        fanout = Fanout(stanza)
        for other in self._registry.resources(bare_jid):
            if other is session or _hears(other, number):
                fanout.send(other, bare_jid)
                yield DELIVERED
        if isinstance(roster, Roster):
            yield from self._to_contacts(stanza.from_ or "", _subscribers(roster), fanout, number)

    def _to_contacts(self, sender: str, contacts: Iterable[str], fanout: Fanout, number: int) -> Steps:
        """One generator for all, since one for each contact would cost as much as half a copy."""
        for contact in contacts:
            others = self._registry.resources(contact)
            for other in others:
                if _hears(other, number) and (
                    self.may_pass is None or self.may_pass(sender, other.full_jid or "")
                ):
                    fanout.send(other, contact)
                yield DELIVERED
            if not others:
                yield self._to_nobody_here(fanout, sender, contact)

    def _to_nobody_here(self, fanout: Fanout, sender: str, contact: str) -> int | None:
        if self._router.is_here(contact) or not self.passes(sender, contact):
            return EXAMINED
        self._router.route(fanout.copy(contact))
        return None

    def _show_contacts(self, session: Session) -> Steps:
        """RFC 6121 4.3: the presence of one's contacts and of one's own other resources; remote ones are probed."""
        bare_jid, full_jid, roster = session.bare_jid or "", session.full_jid or "", session.roster
        for other in self._registry.resources(bare_jid):
            if other is not session:
                yield from self._show(other, session)
        for contact in roster.subscriptions if isinstance(roster, Roster) else ():
            others = self._registry.resources(contact)
            for other in others:
                if _may_see(other, bare_jid):
                    yield from self._show(other, session)
                else:
                    yield EXAMINED
            if not others:
                yield self._probe(full_jid, contact)

    def _probe(self, prober: str, contact: str) -> int | None:
        if self._router.is_here(contact) or not self.passes(contact, prober):
            return EXAMINED
        self._router.route(Stanza.make("presence", from_=prober, to=contact, type="probe"))
        return None

    def _show(self, other: Session, session: Session) -> Steps:
        """Show the presence of *other*, unless it is broadcast to *session* anyway; wait while that does not read."""
        is_older = other.presence is not None and other.presence_number < session.available_number
        if is_older and self.passes(other.full_jid or "", session.full_jid or ""):
            session.send(self.shown(other).replace(to=session.bare_jid))
        yield SHOWN
        while session.unsent_bytes > UNSENT_BYTES:
            yield JAMMED

    def _leaving(self, leave: Leave) -> Steps:
        """RFC 6121 4.5.2 and 4.6.4: to whoever saw it, by subscription or by direction, once each."""
        stanza, bare_jid, number = leave.stanza, leave.bare_jid, leave.number
        if leave.was_available:
            fanout = Fanout(stanza)
            for other in self._registry.resources(bare_jid):
                if _hears(other, number):
                    fanout.send(other, bare_jid)
                    yield DELIVERED
            yield from self._to_contacts(stanza.from_ or "", leave.subscribers, fanout, number)
        told = frozenset((bare_jid, *leave.subscribers)) if leave.was_available and leave.directed else ()
        for target in leave.directed:
            if not self._is_told(JID.of_prepared(target), told, number):
                self._send_one(stanza, target)
            yield None

    def _is_told(self, target: JID, told: Container[str], number: int) -> bool:
        """Whether a broadcast to *told* has reached *target*: no connected resource that is not available."""
        other = self._registry.get(target.full)
        return target.bare in told and (other is None or _hears(other, number))

    # -- the rest -----------------------------------------------------------------------------------------------------

    def _left(self, result: R, full_jid: str) -> R:
        del self._leaves[full_jid]
        return result

    def _next_number(self) -> int:
        self._last_number += 1
        return self._last_number

    def shown(self, session: Session) -> Stanza:
        """Give an available session's presence as those see it who come later: with the time it was sent (XEP-0203)."""
        assert session.presence is not None
        if session.presence_shown is None:
            stamp = datetime.fromtimestamp(session.presence_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            delay = Element("delay", NS_DELAY, {"from": session.full_jid or "", "stamp": stamp})
            session.presence_shown = session.presence.with_child(delay)
        return session.presence_shown

    def _retract(self, session: Session, target: str) -> None:
        """Take directed presence back while its session is there."""
        _forget(session, target)
        self._send_one(Stanza.make("presence", from_=session.full_jid, type="unavailable"), target)

    def _send_one(self, stanza: Stanza, target: str) -> None:
        if self.passes(stanza.from_ or "", target):
            self._router.route(stanza.replace(to=target))

    def passes(self, sender: str, target: str) -> bool:
        """Whether no block list keeps presence of *sender* from *target*; both are bare or full JIDs."""
        return self.may_pass is None or self.may_pass(sender, target)


def _tell(result: R, waiting: Deferred[None]) -> R:
    waiting.callback(None)
    return result


def _forget(session: Session, target: str) -> None:
    assert session.directed is not None
    del session.directed[target]


def _directed_to(session: Session, contact: JID) -> list[str]:
    """Give the addresses of a contact to which a session has sent presence."""
    return [target for target in session.directed or () if target.partition("/")[0] == contact.bare]


def _subscribers(roster: Roster) -> Iterator[str]:
    """Those there are now; who is none any more when it is its turn is left out."""
    subscribers = roster.subscribers
    for contact in subscribers:
        if roster.subscribers is subscribers or roster.may_see_presence(contact):
            yield contact


def _hears(session: Session, number: int) -> bool:
    """Whether a session is told of what is broadcast under this number."""
    return session.presence is not None and session.available_number < number


def _may_see(session: Session, bare_jid: str) -> bool:
    roster = session.roster
    return isinstance(roster, Roster) and roster.may_see_presence(bare_jid)

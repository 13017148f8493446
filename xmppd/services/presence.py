"""Who is there: RFC 6121 4, without subscriptions.

Rules that live here: what initial, later and final presence sets in motion, who hears of it, what is shown to those
who come later (with the time of XEP-0203), directed presence and its retraction, and the answers to probes.
Fan-out is serialised once and yields to others every `CHUNK` deliveries; after each pause the world is looked at anew.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

from twisted.internet.defer import Deferred

from xmppd.core.fanout import Fanout
from xmppd.core.hooks import Hook
from xmppd.core.host import Hosts
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.session import Session
from xmppd.core.timers import Timers
from xmppd.services.roster import Roster, Rosters
from xmppd.stanza.element import Element
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza

CHUNK = 200
"""Deliveries in one turn of the reactor."""
NS_DELAY = "urn:xmpp:delay"
LOWEST, HIGHEST = -128, 127

BECAME_AVAILABLE = Hook[Session](
    "became-available", "Notified after the initial presence of a session was dealt with (RFC 6121 4.2)."
)
PRESENCE_CHANGED = Hook[Session](
    "presence-changed",
    "Notified after each undirected available presence of a session, the initial one included.",
)
MayPass = Callable[[str, str], bool]
"""Whether presence of a JID, bare or full, may be shown to another; both sides' wishes counted."""


class Presence:
    """Presence of local clients: keeps it with their sessions, and tells who must know."""

    def __init__(
        self,
        hosts: Hosts,
        registry: SessionRegistry,
        rosters: Rosters,
        router: Router,
        timers: Timers,
        now: Callable[[], float],
    ):
        """*now* is wall time in seconds since 1970."""
        self._hosts = hosts
        self._registry = registry
        self._rosters = rosters
        self._router = router
        self._timers = timers
        self._now = now
        self.may_pass: MayPass | None = None
        """Set by who keeps block lists."""

    # -- what a client says of itself ---------------------------------------------------------------------------------

    def available(self, session: Session, stanza: Stanza, priority: int) -> Deferred[None] | None:
        """Initial or later presence without ``to`` (RFC 6121 4.2, 4.4); *priority* is clamped to -128..127.

        None when all are told, else a Deferred: the session's next stanza waits for it.
        """
        is_initial = session.presence is None
        session.presence = stanza
        session.presence_shown = None
        session.presence_at = self._now()
        session.priority = max(LOWEST, min(HIGHEST, priority))
        return self.run(self._coming(session, stanza, is_initial))

    def unavailable(self, session: Session, stanza: Stanza) -> Deferred[None] | None:
        """Presence of type unavailable without ``to``, of the client or made at its end (RFC 6121 4.5)."""
        was_available = session.presence is not None
        session.presence = None
        session.priority = 0
        return self.run(self._leaving(session, stanza, was_available))

    def directed(self, session: Session, stanza: Stanza, target: JID) -> None:
        """Note presence sent to somebody in particular, so that it can be retracted (RFC 6121 4.6)."""
        if stanza.type is None:
            if session.directed is None:
                session.directed = {}
            session.directed[target.full] = None
            limit = self._hosts[session.host or ""].settings.limits.directed_presences
            if len(session.directed) > limit:
                oldest = next(iter(session.directed))
                del session.directed[oldest]
                self._send_one(
                    session, Stanza.make("presence", from_=session.full_jid, type="unavailable"), oldest
                )
        elif session.directed is not None:
            session.directed.pop(target.full, None)

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
        """Answer a probe (RFC 6121 4.3.2): presence to who may see it, unsubscribed to all others."""
        roster = await self._rosters.load(target.bare)
        if not roster.may_see_presence(sender.bare):
            self._router.route(
                Stanza.make("presence", from_=target.bare, to=sender.bare, type="unsubscribed")
            )
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
                gone = Stanza.make("presence", from_=session.full_jid, to=contact.bare, type="unavailable")
                self._router.route(gone)

    # -- steps of a fan-out: each ``yield`` is one delivery ------------------------------------------------------------

    def _coming(self, session: Session, stanza: Stanza, is_initial: bool) -> Iterator[None]:
        for _ in self._tell_subscribers(session, stanza):
            yield
            if session.presence is not stanza:
                return
        if is_initial:
            for _ in self._show_contacts(session):
                yield
                if session.presence is not stanza:
                    return
        if session.host is None:
            return
        hooks = self._hosts[session.host].hooks
        if is_initial:
            hooks.notify(BECAME_AVAILABLE, session)
        hooks.notify(PRESENCE_CHANGED, session)

    def _tell_subscribers(self, session: Session, stanza: Stanza) -> Iterator[None]:
        """RFC 6121 4.2.2, 4.4.2: to all contacts with a subscription, and to all one's own available resources."""
        roster, bare_jid = session.roster, session.bare_jid or ""
        fanout = Fanout(stanza)
        for other in self._registry.resources(bare_jid):
            if other.presence is not None:
                fanout.send(other, bare_jid)
                yield
        if isinstance(roster, Roster):
            yield from self._to_contacts(stanza.from_ or "", roster.subscribers, fanout)

    def _to_contacts(self, sender: str, contacts: Iterable[str], fanout: Fanout) -> Iterator[None]:
        for contact in contacts:
            if self._is_local(contact):
                for other in self._registry.resources(contact):
                    if other.presence is not None and self.passes(sender, other.full_jid or ""):
                        fanout.send(other, contact)
                        yield
            elif self.passes(sender, contact):
                self._router.route(fanout.copy(contact))
                yield

    def _show_contacts(self, session: Session) -> Iterator[None]:
        """RFC 6121 4.3: the presence of one's contacts and of one's own other resources; remote ones are probed."""
        bare_jid, full_jid, roster = session.bare_jid or "", session.full_jid or "", session.roster
        for other in self._registry.resources(bare_jid):
            if other is not session and other.presence is not None:
                session.send(self.shown(other).replace(to=bare_jid))
                yield
        for contact in roster.subscriptions if isinstance(roster, Roster) else ():
            if self._is_local(contact):
                for other in self._registry.resources(contact):
                    may_see = other.presence is not None and _may_see(other, bare_jid)
                    if may_see and self.passes(other.full_jid or "", full_jid):
                        session.send(self.shown(other).replace(to=bare_jid))
                        yield
            elif self.passes(contact, full_jid):
                self._router.route(Stanza.make("presence", from_=full_jid, to=contact, type="probe"))
                yield

    def _leaving(self, session: Session, stanza: Stanza, was_available: bool) -> Iterator[None]:
        """RFC 6121 4.5.2 and 4.6.4: to whoever saw it, by subscription or by direction, once each."""
        bare_jid, roster, directed = session.bare_jid or "", session.roster, session.directed
        session.directed = None
        told: set[str] = set()
        if was_available:
            fanout = Fanout(stanza)
            if not session.is_ended:
                fanout.send(session, bare_jid)
            for other in self._registry.resources(bare_jid):
                if other.presence is not None and other is not session:
                    fanout.send(other, bare_jid)
                    yield
            if isinstance(roster, Roster):
                told.update(roster.subscribers)
                yield from self._to_contacts(stanza.from_ or "", roster.subscribers, fanout)
        for target in directed or ():
            if JID.parse(target).bare not in told:
                self._send_one(session, stanza, target)
                yield

    # -- the rest -----------------------------------------------------------------------------------------------------

    def run(self, steps: Iterator[None]) -> Deferred[None] | None:
        """Take up to `CHUNK` steps of a fan-out now, and the rest in later turns; None when all are done."""
        for count, _ in enumerate(steps, 1):
            if count == CHUNK:
                break
        else:
            return None
        done: Deferred[None] = Deferred()
        self._timers.add(0.0, lambda now, timer, param: self._go_on(steps, done))
        return done

    def _go_on(self, steps: Iterator[None], done: Deferred[None]) -> float | None:
        for count, _ in enumerate(steps, 1):
            if count == CHUNK:
                return 0.0
        done.callback(None)
        return None

    def shown(self, session: Session) -> Stanza:
        """Give an available session's presence as those see it who come later: with the time it was sent (XEP-0203)."""
        assert session.presence is not None
        if session.presence_shown is None:
            stamp = datetime.fromtimestamp(session.presence_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            delay = Element("delay", NS_DELAY, {"from": session.full_jid or "", "stamp": stamp})
            session.presence_shown = session.presence.with_child(delay)
        return session.presence_shown

    def _send_one(self, session: Session, stanza: Stanza, target: str) -> None:
        if self.passes(stanza.from_ or "", target):
            self._router.route(stanza.replace(to=target))

    def _is_local(self, bare_jid: str) -> bool:
        _, at, domain = bare_jid.rpartition("@")
        return bool(at) and domain in self._hosts

    def passes(self, sender: str, target: str) -> bool:
        """Whether no block list keeps presence of *sender* from *target*; both are bare or full JIDs."""
        return self.may_pass is None or self.may_pass(sender, target)


def _may_see(session: Session, bare_jid: str) -> bool:
    roster = session.roster
    return isinstance(roster, Roster) and roster.may_see_presence(bare_jid)

"""Push Notifications: XEP-0357 0.4.1, on the side of the account's server. The rules are in `xmppd.services.push.push`.

A client is told of what is worth waking it for (`xmppd.stanza.importance`): when it goes into the offline store, when
it goes into the queue of a session that has lost its connection (XEP-0198), and when another client takes it while this
one has no session at all: it can be had from the archive then.
"""

from typing import Annotated, Final

from xmppd.config.fields import Field
from xmppd.core import events
from xmppd.core.events import Delivery, IQRequest, Traffic
from xmppd.core.filters import FilterStage
from xmppd.core.module import XEP, Module, Options, iq, on
from xmppd.core.session import Session
from xmppd.core.stations import ACTING, NOTING, WAKING
from xmppd.core.waiting import deferred, spawn
from xmppd.services.archive.archive import Archive
from xmppd.services.archive.ids import archived_as
from xmppd.services.inbox.kept import KEPT, Kept
from xmppd.services.presence.presence import BECAME_AVAILABLE
from xmppd.services.push.publication import NS_PUBSUB
from xmppd.services.push.push import Push, PushSettings
from xmppd.services.push.registrations import NS, registration_in, service_in
from xmppd.services.stream_management.ledger import StreamLedger
from xmppd.stanza.element import Element
from xmppd.stanza.importance import is_worth_waking
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza

PUBSUB: Final = (NS_PUBSUB, "pubsub")
MAY_PUBLISH: Final = ("owner", "publisher", "publish-only")
"""XEP-0060 4.1."""


class PushOptions(Options):
    """``[modules.push]``."""

    registrations: Annotated[int, Field(ge=1, le=1_000)] = 10
    """Push services and nodes of one account."""
    failures: Annotated[int, Field(ge=1, le=1_000)] = 16
    """After so many failures in a row that might have passed a registration is removed; after any other, at once."""
    interval_s: Annotated[float, Field(ge=0.1, le=3_600)] = 1.0
    """At most one notification in this time for each registration; what comes meanwhile is merged into the next."""
    include_sender: bool = False
    """Whether push services are told who has sent the last message."""
    include_body: bool = False
    """Whether they are told what it says."""


class PushModule(Module):
    """Tells push services that something waits for their clients."""

    name = "push"
    summary = "Push Notifications"
    xep = XEP(357, "0.4.1")
    account_features = (NS,)
    requires = ("offline",)
    options = PushOptions
    uses = (Push, Archive)
    opt: PushOptions

    def start(self) -> None:
        """Find the service, and tell it what this host wants."""
        options, limits = self.opt, self.api.host.settings.limits
        self._push = self.api.services[Push]
        self._archive = self.api.services[Archive]
        self._push.settings[self.api.host.name] = PushSettings(
            options.registrations,
            options.failures,
            options.interval_s,
            limits.iq_timeout_s,
            options.include_sender,
            options.include_body,
        )
        spawn("learning who has push registrations", self._push.learn())

    def stop(self) -> None:
        """Tell nobody any more."""
        self._push.settings.pop(self.api.host.name, None)
        for session in self.api.registry:
            self._look(session, False)

    # -- enabling and disabling ---------------------------------------------------------------------------------------

    @iq("set", NS, "enable", to="own")
    @deferred
    async def on_enable(self, request: IQRequest) -> None:
        """Tell this push service from now on (5)."""
        owner, client = JID.parse(request.sender.bare), request.sender.resourcepart or ""
        await self._push.enable(owner, registration_in(request.payload, owner, client))

    @iq("set", NS, "disable", to="own")
    @deferred
    async def on_disable(self, request: IQRequest) -> None:
        """Tell it no more (6)."""
        node = request.payload.get("node")
        await self._push.disable(JID.parse(request.sender.bare), service_in(request.payload), node)

    @on(events.ACCOUNT_STANZA, ACTING)
    def on_account_stanza(self, traffic: Traffic) -> None:
        """A push service wants no more notifications from this account (8); who else wants to know gets it too."""
        stanza = traffic.stanza
        if PUBSUB not in stanza.child_names or stanza.name != "message":
            return
        pubsub = stanza.child("pubsub", NS_PUBSUB)
        if pubsub is not None and _is_unwanted(pubsub, traffic.target):
            owner, node = JID.parse(traffic.target.bare), pubsub.get("node") or ""
            spawn("removing a push registration", self._push.disable(owner, traffic.sender.full, node))

    # -- what waits ---------------------------------------------------------------------------------------------------

    @on(KEPT)
    def on_kept(self, kept: Kept) -> None:
        """Something has gone into the offline store (7)."""
        for stanza in kept.stanzas:
            if is_worth_waking(stanza):
                self._push.stored(kept.owner, stanza)

    @on(events.MESSAGE_DELIVERING, WAKING)
    def on_delivering(self, delivery: Delivery) -> None:
        """Some clients get it; tell those that are not there."""
        if self._push.may_have(delivery.target.bare) and delivery.sessions:
            self._on_delivering(delivery)

    def _on_delivering(self, delivery: Delivery) -> None:
        owner, stanza = JID.parse(delivery.target.bare), delivery.stanza
        if is_worth_waking(stanza) and archived_as(delivery.changes, owner.bare) is not None:
            self._push.delivered(owner, stanza)

    @on(events.SESSION_DETACHED, NOTING)
    def on_detached(self, session: Session) -> None:
        """Look at what goes into the queue of a session without a connection; what is there its client may lack."""
        ledger = session.ledger
        if not isinstance(ledger, StreamLedger) or not ledger.is_resumable or self.api.registry.is_closing:
            return
        self._look(session, True)
        for sent in ledger.outgoing:
            self._on_queued(session, sent.stanza)

    @on(events.SESSION_RESUMED)
    def on_resumed(self, session: Session) -> None:
        """Its client has come back."""
        self._came_back(session)

    @on(BECAME_AVAILABLE, NOTING)
    def on_available(self, session: Session) -> None:
        """A client has come: it is handed what waits."""
        self._seen(session)

    def _look(self, session: Session, wanted: bool) -> None:
        session.remove_filter(self._outbound)
        if wanted:
            session.add_filter(FilterStage.WATCH, self._outbound)

    def _outbound(self, session: Session, x: Stanza | bytes) -> Stanza | bytes | None:
        """A session without a connection: what is sent goes into its queue."""
        if session.conn is not None:
            self._came_back(session)
        elif type(x) is Stanza:
            self._on_queued(session, x)
        return x

    def _on_queued(self, session: Session, stanza: Stanza) -> None:
        if is_worth_waking(stanza):
            self._push.queued(JID.parse(session.bare_jid or ""), stanza, session.resource)

    def _came_back(self, session: Session) -> None:
        self._look(session, False)
        self._seen(session)

    def _seen(self, session: Session) -> None:
        is_kept = self._archive.is_kept_at(self.api.host.name)
        self._push.seen(JID.parse(session.bare_jid or ""), session.resource, is_kept=is_kept)


def _is_unwanted(pubsub: Element, target: JID) -> bool:
    """Whether this takes away what the account needs to publish (XEP-0060 8.9.4)."""
    told = pubsub.child("affiliation")
    return (
        told is not None
        and told.get("jid") in (target.bare, target.domainpart)
        and told.get("affiliation") not in MAY_PUBLISH
    )

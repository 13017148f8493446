"""Offline messages on the wire: XEP-0160; the rules are in `xmppd.services.inbox`."""

from xmppd.core import events
from xmppd.core.events import Delivery, Traffic, Unbound
from xmppd.core.module import XEP, Module, on
from xmppd.core.session import Session
from xmppd.core.stations import NOTING, RECORDING, STORING
from xmppd.core.waiting import spawn
from xmppd.services.inbox.inbox import Inbox
from xmppd.services.presence.presence import PRESENCE_CHANGED


class OfflineModule(Module):
    """Keeps messages for accounts without a resource that takes them, and hands them over when one comes."""

    name = "offline"
    summary = "Best Practices for Handling Offline Messages"
    xep = (XEP(160, "1.0.1"), XEP(203, "2.0"))
    features = ("msgoffline",)
    uses = (Inbox,)

    def start(self) -> None:
        """Find the service; it learns for whom anything waits."""
        self._inbox = self.api.services[Inbox]
        spawn("learning for whom anything waits", self._inbox.learn())

    @on(events.MESSAGE_UNDELIVERED, STORING)
    def on_undelivered(self, delivery: Delivery) -> object:
        """Keep it (XEP-0160 2, 3)."""
        return self._inbox.keep(delivery)

    @on(events.MESSAGE_DELIVERING, RECORDING)
    def on_delivering(self, delivery: Delivery) -> None:
        """Know who gets it, and let it wait behind stored ones."""
        self._inbox.begin(delivery)

    @on(events.CLIENT_PRESENCE, NOTING)
    def on_presence(self, traffic: Traffic) -> None:
        """From the moment a resource is available, live messages wait until it has the stored ones."""
        stanza, session = traffic.stanza, traffic.origin
        if (
            session is not None
            and stanza.type is None
            and stanza.to is None
            and (session.presence is None or session.priority < 0)
        ):
            self._inbox.coming(session)

    @on(PRESENCE_CHANGED)
    def on_changed(self, session: Session) -> None:
        """The first resource of non-negative priority gets what waits (XEP-0160 2), behind all presence."""
        self._inbox.came(session)

    @on(events.SESSION_RESUMED)
    def on_resumed(self, session: Session) -> None:
        """What was left to it while it had no connection, for want of room."""
        if session.presence is not None:
            self._inbox.came(session)

    @on(events.RESOURCE_UNBOUND, NOTING)
    def on_unbound(self, unbound: Unbound) -> None:
        """Who left before it was handed anything leaves it to the next."""
        self._inbox.left(unbound.session)

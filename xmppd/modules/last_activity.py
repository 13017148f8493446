"""Last activity of accounts and their resources: XEP-0012 3 and 4, for those alone who may see the presence.

A server's own uptime, section 5, is told by the module ``uptime``.
"""

from xmppd.core import events
from xmppd.core.domains.strangers import refused
from xmppd.core.events import IQRequest, Traffic, Unbound
from xmppd.core.module import XEP, Module, iq, on
from xmppd.core.stations import NOTING
from xmppd.core.waiting import deferred
from xmppd.services.profile.last_activity import LastActivity
from xmppd.services.roster.roster import Rosters
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError

NS = "jabber:iq:last"


class LastActivityModule(Module):
    """Tells when somebody was last there."""

    name = "last_activity"
    summary = "Last Activity (of accounts)"
    xep = XEP(12, "2.0")
    account_features = (NS,)
    uses = (LastActivity, Rosters)

    def start(self) -> None:
        """Find the services."""
        self._activity = self.api.services[LastActivity]
        self._rosters = self.api.services[Rosters]

    @iq("get", NS, "query", to="account")
    @deferred
    async def on_account(self, request: IQRequest) -> Element:
        """XEP-0012 3: the seconds since the last resource left, with its status; 0 while one is there."""
        await self._check_may_see(request)
        activity = await self._activity.of(request.target.bare)
        if activity is None:
            raise StanzaError("item-not-found")
        if activity.left_at is None:
            return Element("query", NS, {"seconds": "0"})
        seconds = max(0, int(self.api.now() - activity.left_at))
        return Element("query", NS, {"seconds": str(seconds)}, [activity.status] if activity.status else [])

    @iq("get", NS, "query", to="resource")
    @deferred
    async def on_resource(self, request: IQRequest) -> None:
        """XEP-0012 4: a client is asked for its user's idle time only by who may see its presence."""
        await self._check_may_see(request)

    async def _check_may_see(self, request: IQRequest) -> None:
        """Strangers get the same answer for accounts that there are not."""
        roster = await self._rosters.load(request.target.bare)
        if not roster.may_see_presence(request.sender.bare):
            raise refused()

    @on(events.CLIENT_PRESENCE, NOTING)
    def on_client_presence(self, traffic: Traffic) -> None:
        """Remember what a client says when it becomes unavailable, until it is available again."""
        stanza, session = traffic.stanza, traffic.origin
        if session is None or stanza.to is not None:
            return
        if stanza.type == "unavailable":
            said = stanza.element.child_text("status") if stanza.has("status", "jabber:client") else ""
            self._activity.changed(session, said or "")
        elif stanza.type is None:
            self._activity.changed(session, None)

    @on(events.RESOURCE_UNBOUND, NOTING)
    def on_unbound(self, unbound: Unbound) -> None:
        """A resource has left."""
        self._activity.left(unbound.session, unbound.status)

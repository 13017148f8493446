"""The roster on the wire: RFC 6121 2, with versions (2.6, once XEP-0237).

A client reads and writes its own roster only; of what it sends, JID, name, groups and the wish to remove count, all
else is ignored (2.1.2).
"""

from xmppd.core.events import RESOURCE_UNBOUND, IQRequest, Unbound
from xmppd.core.module import XEP, Module, iq, on
from xmppd.core.session import ClientFeature
from xmppd.core.stations import NOTING
from xmppd.core.waiting import deferred, spawn
from xmppd.services.roster.items import NS, Query
from xmppd.services.roster.roster import Rosters
from xmppd.services.roster.wanted import read_set
from xmppd.stanza.element import FixedElement
from xmppd.storage.interface import DeleteOwner
from xmppd.stream.features import StreamFeature, StreamState

NS_VERSION = "urn:xmpp:features:rosterver"
HAS_VERSIONS = FixedElement("ver", NS_VERSION)


class RosterModule(Module):
    """Answers roster gets and sets."""

    name = "roster"
    summary = "Roster, with versions"
    xep = XEP(237, "1.3")
    account_features = (NS,)
    features = (NS,)
    uses = (Rosters,)

    def start(self) -> None:
        """Find the service."""
        self._rosters = self.api.services[Rosters]

    def stream_features(self) -> tuple[ClientFeature, ...]:
        """RFC 6121 2.6.1."""
        return (
            StreamFeature(
                name="roster versioning",
                needs=StreamState.AUTHENTICATED,
                offer=lambda stream: HAS_VERSIONS,
            ),
        )

    @iq("get", NS, "query", to="own")
    @deferred
    async def on_get(self, request: IQRequest) -> Query | None:
        """RFC 6121 2.1.3 and 2.2: the roster, or nothing where the client has this version; it is interested now."""
        owner = request.sender.bare
        roster = self._rosters.loaded(owner)
        if roster is None:
            roster = await self._rosters.load(owner)
        known = request.payload.get("ver")
        content = b"" if known == roster.version else await self._rosters.written(roster)
        if request.origin is not None:
            request.origin.interested = True
        if known == roster.version:
            return None
        return Query(content, None if known is None else roster.version)

    @iq("set", NS, "query", to="own")
    def on_set(self, request: IQRequest) -> object:
        """RFC 6121 2.3, 2.4 and 2.5: one contact is added, changed or removed."""
        owner = request.sender.with_resource(None)
        wanted = read_set(request.payload, owner, self.api.host.settings.limits)
        if wanted.is_removal:
            return self._rosters.remove(owner, wanted.jid)
        return self._rosters.set(owner, wanted.jid, wanted.name, wanted.groups)

    @on(RESOURCE_UNBOUND, NOTING)
    def on_unbound(self, unbound: Unbound) -> None:
        """Who has no account leaves nothing behind (RFC 4505: an anonymous name is never used again)."""
        bare_jid = unbound.session.bare_jid
        if self.api.host.settings.auth != "anonymous" or bare_jid is None:
            return
        if not self.api.registry.resources(bare_jid):
            left = self._rosters.leave(bare_jid, DeleteOwner(bare_jid))
            spawn("what an anonymous user leaves", left)

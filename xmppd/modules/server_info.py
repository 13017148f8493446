"""What a domain tells everybody of its connections with other servers: XEP-0485, on the node ``serverinfo``.

The node is on the first pubsub service inside this server that the domain shows, and belongs to the domain. It is off
by default, since to have it is to consent (XEP-0485 3): the domain may be named by others, and publishes itself.

Rules that live here: another domain is named only where it says of itself, asked anew each hour, that it consents; the
others are counted, in an order that says nothing of their names. A new item comes only where it says something else
than the last, and from time to time. Who takes the module out of a running server takes the item away; one
that a stopped server has left stays until ``xmppctl pubsub delete``.
"""

from collections.abc import Iterable
from typing import Annotated, Final
from urllib.parse import quote

from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from xmppd.config.fields import Field
from xmppd.core.bounded import Bounded
from xmppd.core.host import Host
from xmppd.core.module import XEP, Module, Options, on
from xmppd.core.roles import Roles
from xmppd.core.timers import Timer
from xmppd.core.waiting import spawn
from xmppd.services.discovery.capabilities import Capabilities
from xmppd.services.discovery.disco import HOST_INFO, SERVER_INFO, HostedServices, Info
from xmppd.services.federation.federation import Federation
from xmppd.services.pubsub.domain import OperatorRealm
from xmppd.services.pubsub.items import NewItem
from xmppd.services.pubsub.owning import Owning
from xmppd.services.pubsub.publishing import Publishing
from xmppd.services.pubsub.refusals import NoSuchNode
from xmppd.stanza.element import escape_attr
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.forms import field
from xmppd.stanza.jid import JID

NS: Final = "urn:xmpp:serverinfo:0"
NODE: Final = "serverinfo"
ITEM: Final = "current"
HOUR_S: Final = 3_600.0
"""How long an answer to whether a domain consents holds."""
DOMAINS: Final = 10_000
"""Those whose answers are remembered."""
ASKED: Final = 200
"""Domains that are asked each time; the others have their turn later, and have no name until then."""
ASKED_AT_ONCE: Final = 20
CONNECTIONS: Final = 10
"""Connections that are shown of one domain."""
CONFIGURATION: Final = {
    "pubsub#title": ("Connections with other servers",),
    "pubsub#type": (NS,),
    "pubsub#access_model": ("open",),
    "pubsub#max_items": ("1",),
}
"""Of the node (5): open, with one item."""


class ServerInfoOptions(Options):
    """How often it is told."""

    interval_s: Annotated[float, Field(ge=60.0, le=HOUR_S)] = 300.0
    """How often it is looked at what is connected, and told if that has changed."""


class ServerInfo(Module):
    """Publishes which connections there are with other servers."""

    name = "server_info"
    summary = "PubSub Server Information"
    xep = XEP(485, "1.0.0")
    is_default = False
    features = (NS,)
    requires = ("disco",)
    options = ServerInfoOptions
    opt: ServerInfoOptions
    uses = (Capabilities, Federation, HostedServices, Owning, Publishing, Roles)

    _log = Logger()

    def start(self) -> None:
        """Look at once, behind all that is loaded with this, and then from time to time."""
        services = self.api.services
        self._capabilities, self._federation = services[Capabilities], services[Federation]
        self._hosted, self._roles = services[HostedServices], services[Roles]
        self._owning, self._publishing = services[Owning], services[Publishing]
        self._us = JID(None, self.api.host.name, None)
        self._consents: Bounded[str, tuple[bool, float]] = Bounded(DOMAINS)
        self._published: tuple[str, bytes] | None = None
        """Where and what."""
        self._complaint = ""
        self._is_over = self._is_looking = False
        timer = self.api.timers.add(0, self._due)
        self.at_end(lambda: self.api.timers.stop(timer))

    def stop(self) -> None:
        """Take the item away."""
        self._is_over = True
        service = self._service()
        if service is not None:
            spawn("end of server information", self._withdraw(service))

    @on(HOST_INFO)
    def on_host_info(self, info: Info) -> None:
        """XEP-0485 3: where it is published."""
        service = self._service()
        if service is not None:
            uri = f"xmpp:{quote(service.name)}?;node={NODE}"
            info.add_fields(SERVER_INFO, [field("serverinfo-pubsub-node", "text-single", (uri,))])

    def _service(self) -> Host | None:
        return self._hosted.with_module(self.api.host, "pubsub")

    def _realm(self, service: Host) -> OperatorRealm:
        return OperatorRealm(service, self.api.registry, self._roles, "admins", self.api.now)

    # -- publishing ---------------------------------------------------------------------------------------------------

    def _due(self, now: float, timer: Timer, param: None) -> float:
        if not self._is_looking:
            spawn("server information", self._look())
        return self.opt.interval_s

    async def _look(self) -> None:
        self._is_looking = True
        try:
            service = self._service()
            if service is None:
                self._complain("no pubsub service of this server belongs to the domain")
                return
            await self._ask(self._peers())
            await self._publish(service)
        except StanzaError as error:
            self._complain(error.text or error.condition)
        finally:
            self._is_looking = False

    async def _publish(self, service: Host) -> None:
        """Publish what there is to tell (5), unless that was the last; makes the node where it is not there."""
        realm = self._realm(service)
        if not await self._is_ours(realm):
            remedy = f"xmppctl pubsub delete {service.name} {NODE}"
            self._complain(f"the node belongs to somebody else; to end that: {remedy}")
            return
        payload = self._written(realm.limits.pubsub_payload_bytes)
        if self._is_over or self._published == (service.name, payload):
            return
        await self._publishing.publish(realm, self._us, NODE, NewItem(ITEM, payload, NS))
        self._published = service.name, payload
        self._complaint = ""

    async def _is_ours(self, realm: OperatorRealm) -> bool:
        try:
            node = await self._owning.find(realm, NODE)
        except NoSuchNode:
            self._published = None
            if not self._is_over:
                await self._owning.create(realm, self._us, NODE, CONFIGURATION)
            return True
        return node.record.creator == self._us.bare

    async def _withdraw(self, service: Host) -> None:
        """Behind what is being published: who holds the node goes first."""
        realm = self._realm(service)
        try:
            node = await self._owning.find(realm, NODE)
            if node.record.creator == self._us.bare:
                await self._publishing.purge(realm, self._us, NODE)
        except NoSuchNode:
            return

    def _complain(self, why: str) -> None:
        """Say once why nothing is published."""
        if why != self._complaint:
            self._complaint = why
            self._log.warn(
                "Server information of {host} is not published: {why}", host=self.api.host.name, why=why
            )

    # -- what is published --------------------------------------------------------------------------------------------

    def _peers(self) -> dict[str, list[str]]:
        """Give the directions of the connections with each domain."""
        peers: dict[str, list[str]] = {}
        for ours, theirs, direction in self._federation.connections():
            if ours == self.api.host.name:
                peers.setdefault(theirs, []).append(direction)
        return peers

    def _written(self, size_bytes: int) -> bytes:
        """Write it (4), in so many bytes at most: those with names first."""
        peers = [
            (domain if self._consented(domain) else "", sorted(directions)[:CONNECTIONS])
            for domain, directions in self._peers().items()
        ]
        peers.sort(key=lambda peer: (not peer[0], peer))
        head = f"<serverinfo xmlns='{NS}'><domain name='{escape_attr(self.api.host.name)}'".encode()
        begin, end = b"><federation>", b"</federation></domain></serverinfo>"
        left = size_bytes - len(head) - len(begin) - len(end)
        written = []
        for each in (_remote(name, directions) for name, directions in peers):
            left -= len(each)
            if left < 0:
                break
            written.append(each)
        return b"".join((head, begin, *written, end)) if written else head + b"/></serverinfo>"

    # -- consent ------------------------------------------------------------------------------------------------------

    def _consented(self, domain: str) -> bool:
        """Whether a domain may be named (7)."""
        does, asked_at = self._consents.get(domain, (False, 0.0))
        return does and self._is_recent(asked_at)

    def _is_recent(self, asked_at: float) -> bool:
        return abs(self.api.now() - asked_at) < HOUR_S

    async def _ask(self, domains: Iterable[str]) -> None:
        """Ask those whose answers are not there or too old; not all at once. Waits."""
        unknown = (None, -HOUR_S)
        asked = [each for each in domains if not self._is_recent(self._consents.get(each, unknown)[1])][
            :ASKED
        ]
        for begin in range(0, len(asked), ASKED_AT_ONCE):
            if self._is_over:
                return
            batch = asked[begin : begin + ASKED_AT_ONCE]
            await gatherResults([Deferred.fromCoroutine(self._ask_one(domain)) for domain in batch])

    async def _ask_one(self, domain: str) -> None:
        does = await self._capabilities.domain_has(NS, domain, self.api.host.name)
        self._consents.keep(domain, (does, self.api.now()))


def _remote(name: str, directions: Iterable[str]) -> bytes:
    named = f" name='{escape_attr(name)}'" if name else ""
    connections = "".join(f"<connection type='{each}'/>" for each in directions)
    return f"<remote-domain{named}>{connections}</remote-domain>".encode()

"""A dialogue's server on loopback sockets, in this process: the transports, ports and TLS of the real one."""

import secrets
import time
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, execute
from twisted.internet.endpoints import SSL4ClientEndpoint, TCP4ClientEndpoint
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.ssl import ClientContextFactory
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tests.dialogues.services import SERVICES
from tests.environment import TRANSPORT
from tests.temporary import temporary_folder
from xmppd.config.model import Config
from xmppd.config.read import parse
from xmppd.config.section import Address
from xmppd.core.environment import Environment
from xmppd.net.ports import C2S, C2S_DIRECT_TLS, COMPONENT, Behind, Ports
from xmppd.net.tls.certificates import CertificateStore, HostFiles, utc_now
from xmppd.net.tls.incoming import ServerTLS
from xmppd.server import build, load_modules
from xmppd.stanza.jid import JID
from xmppd.storage.memory import MemoryStorage
from xmppd.testing.client import PASSWORD, Client, NothingCame
from xmppd.testing.component import ComponentClient

PATIENCE_S = 5.0
"""How long something that is expected may take to come."""
_DESCRIPTORS = 1_000
_HOST = "127.0.0.1"
reactor: Any = global_reactor


class SocketCarrier(TwistedProtocol):
    """The client's end of a connection."""

    transport: Any

    def __init__(self, client: Client) -> None:
        self._client = client
        self.lost: Deferred[None] = Deferred()

    contexts: Any = ClientContextFactory()
    """What makes the context of TLS."""

    def connectionMade(self) -> None:
        """Tell the client."""
        self._client.connected(self)

    def dataReceived(self, data: bytes) -> None:
        """Tell the client."""
        self._client.received(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Tell the client."""
        self._client.lost()
        self.lost.callback(None)

    def write(self, data: bytes) -> None:
        """Send *data*."""
        self.transport.write(data)

    def start_tls(self) -> None:
        """Begin TLS; whose certificate it is does not matter here."""
        self.transport.startTLS(self.contexts)

    def lose(self) -> None:
        """Break the connection."""
        self.transport.abortConnection()

    def wait(self, deferred: Deferred[None]) -> Deferred[None]:
        """Give *deferred* some seconds."""

        def too_late(failure: Failure | None, _: float) -> Failure | None:
            raise NothingCame("nothing came")

        return deferred.addTimeout(PATIENCE_S, reactor, too_late)


class SocketStage:
    """The server of one dialogue, with its own ports and self-made certificates."""

    is_in_memory = False

    def __init__(self, case: TestCase, options: str = "", *, is_direct_tls: bool = False) -> None:
        """*options* is TOML; without a host of its own the server serves localhost."""
        config = _on_free_ports(options)
        self._is_direct_tls = is_direct_tls
        self._carriers: list[SocketCarrier] = []
        secret = b"a secret of the tests"
        world = Environment(reactor, time.time, execute, secrets.token_urlsafe, secret, iterations=1)
        self.server = build(config, MemoryStorage(), world)
        self.server.loader.known.update((module.name, module) for module in SERVICES)
        load_modules(self.server)
        folder = temporary_folder(case)
        files = [
            HostFiles(host, folder / f"{host}.crt", folder / f"{host}.key", is_self_made=True)
            for host in config.hosts
        ]
        tls = ServerTLS(CertificateStore(files, utc_now))
        starttls, direct = self.server.c2s_factory(tls), self.server.c2s_factory(tls, is_direct_tls=True)
        components = self.server.component_factory()
        self.factories = (starttls, direct, components)
        behind = {
            C2S: Behind(starttls),
            C2S_DIRECT_TLS: Behind(direct, tls.creator_for(None)),
            COMPONENT: Behind(components),
        }
        self._listeners = Ports(config).listeners(
            reactor, _DESCRIPTORS, behind, lambda: self.server.config.limits
        )
        for listener in self._listeners:
            listener.startService()
        execute(self.server.accounts.load)

    @property
    def port(self) -> int:
        """Where the clients of this stage connect."""
        return self._listeners[1 if self._is_direct_tls else 0].address.port

    @property
    def component_port(self) -> int:
        """Where the components of this stage connect, if it has any."""
        return self._listeners[2].address.port

    def add_account(self, address: str) -> Any:
        """Make an account, except on hosts whose users have none."""
        jid = JID.parse(JID.parse(address).bare)
        is_internal = self.server.hosts[jid.domainpart].settings.auth == "internal"
        if is_internal and not self.server.accounts.exists(jid.bare):
            return self.server.accounts.create(jid, PASSWORD)
        return None

    def connect(self, client: Client) -> Deferred[None]:
        """Open a connection; fires when it is there."""
        carrier = SocketCarrier(client)
        self._carriers.append(carrier)
        factory: Factory[Any] = Factory.forProtocol(lambda: carrier)
        factory.noisy = False
        is_component = isinstance(client, ComponentClient)
        place = (reactor, _HOST, self.component_port if is_component else self.port)
        endpoint: Any = (
            SSL4ClientEndpoint(*place, ClientContextFactory())
            if self._is_direct_tls and not is_component
            else TCP4ClientEndpoint(*place)
        )
        connected: Deferred[None] = endpoint.connect(factory)
        return connected

    def pass_time(self, seconds: float) -> Deferred[None]:
        """Let time pass in earnest."""
        return deferLater(reactor, seconds)

    async def _stop(self) -> None:
        for listener in self._listeners:
            listener.stopService()
        for carrier in self._carriers:
            if carrier.transport is not None and not carrier.lost.called:
                carrier.lose()
                await carrier.lost
        for factory in self.factories:
            await factory.shutdown()
        self.server.timers.stop_all()
        await deferLater(reactor, 0)

    def stop(self) -> Deferred[None]:
        """End every connection, and leave nothing behind in the reactor."""
        return Deferred.fromCoroutine(self._stop())


def _on_free_ports(options: str) -> Config:
    text = options if "[hosts" in options else options + '\n[hosts."localhost"]\n'
    config, findings = parse(text, "test.toml")
    assert config is not None, findings
    anywhere = (Address(_HOST, 0),)
    c2s = config.c2s.model_copy(update={"listen": anywhere, "direct_tls_listen": anywhere})
    net = config.net.model_copy(update={"transport": TRANSPORT})
    http = config.http.model_copy(update={"listen": ()})
    s2s = config.s2s.model_copy(update={"enabled": False})
    return config.model_copy(
        update={"c2s": c2s, "net": net, "s2s": s2s, "http": http, "component_listen": anywhere}
    )

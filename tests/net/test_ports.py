"""Ports of every kind: bound all or none, one guard of the descriptors, something behind each."""

import socket
from functools import partial

from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase

from tests.net.transport.listening import FakeReactor
from xmppd.config.limits import Limits
from xmppd.config.model import Config
from xmppd.config.read import parse
from xmppd.net.ports import (
    C2S,
    C2S_DIRECT_TLS,
    COMPONENT,
    HTTP,
    KINDS,
    METRICS,
    S2S,
    Behind,
    OwnAcceptor,
    PortKind,
    Ports,
)
from xmppd.net.transport.listen import ListenError
from xmppd.net.transport.proxied import ProxiedAcceptor

LOOPBACK = "127.0.0.1:0"
SERVICE = '[components]\nlisten = ["127.0.0.1:0"]\n[components."a.localhost"]\nsecret = "x"\n'


def read(text: str) -> Config:
    """The configuration that *text* is, without HTTP where it does not speak of it."""
    found, _ = parse(text if "[http]" in text else f"[http]\nlisten = []\n{text}", "test.toml")
    assert found is not None
    return found


def config(listen: str = LOOPBACK, direct: str = LOOPBACK) -> Config:
    """A configuration with ports that the system chooses."""
    return read(
        f'[c2s]\nlisten = ["{listen}"]\ndirect_tls_listen = ["{direct}"]\n[hosts.localhost]\n' + SERVICE
    )


class PortsTests(SynchronousTestCase):
    """`Ports`."""

    def test_every_kind_is_bound_and_described(self) -> None:
        """The lines of the table, in its order."""
        federated = (
            f'[http]\nlisten = ["{LOOPBACK}"]\ntls_listen = ["{LOOPBACK}"]\n'
            f'[s2s]\nlisten = ["{LOOPBACK}"]\ndirect_tls_listen = ["{LOOPBACK}"]\n[hosts."example.org"]\n'
            + SERVICE
            + f'[components."proxy.example.org"]\nmodule = "bytestreams"\n[bytestreams]\nlisten = ["{LOOPBACK}"]\n'
            f'[metrics]\nlisten = ["{LOOPBACK}"]\n'
        )
        ports = Ports(
            read(f'[c2s]\nlisten = ["{LOOPBACK}"]\ndirect_tls_listen = ["{LOOPBACK}"]\n{federated}')
        )
        self.addCleanup(ports.close)
        labels = [line.partition(" ")[2] for line in ports.describe()]
        self.assertEqual(labels, [f"({kind.label})" for kind in KINDS])

    def test_none_for_components_that_there_are_not(self) -> None:
        """Where no program is a service, nothing is listened on for one; a service inside is none."""
        text = SERVICE.replace("secret", "module")
        ports = Ports(read(f"[c2s]\nlisten = []\ndirect_tls_listen = []\n[hosts.localhost]\n{text}"))
        self.addCleanup(ports.close)
        self.assertEqual(ports.describe(), [])

    def test_localhost_alone_awaits_no_servers(self) -> None:
        """A server that nobody elsewhere can mean opens no port for them."""
        ports = Ports(config())
        self.addCleanup(ports.close)
        self.assertEqual([line for line in ports.describe() if "servers" in line], [])

    def test_all_or_none(self) -> None:
        """A port in use gives those before it up."""
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        free = socket.create_server(("127.0.0.1", 0))
        here = f"127.0.0.1:{free.getsockname()[1]}"
        free.close()
        there = f"127.0.0.1:{taken.getsockname()[1]}"
        error = self.assertRaises(ListenError, Ports, config(here, there))
        self.assertIn("c2s.direct_tls_listen", str(error))
        socket.create_server(("127.0.0.1", int(here.rpartition(":")[2]))).close()

    def test_one_guard_and_something_behind_each(self) -> None:
        """Whatever the kind, the listeners share what watches the descriptors; another kind is one more line."""
        other = PortKind("c2s", "listen", "another kind")
        settings = config()
        ports = Ports(settings, (C2S_DIRECT_TLS, other))
        factory = Factory.forProtocol(Protocol)
        behind = {C2S_DIRECT_TLS: Behind(factory), other: Behind(factory), C2S: Behind(factory)}
        listeners = ports.listeners(FakeReactor(), 1_000, behind, lambda: settings.limits)
        for listener in listeners:
            self.addCleanup(listener.stop_accepting)
        self.assertEqual(len(listeners), 2)
        self.assertEqual(len({id(listener._shortage) for listener in listeners}), 1)
        self.assertIsNot(listeners[0]._on_accept, listeners[1]._on_accept)

    def test_ports_of_operators_are_apart(self) -> None:
        """They are there while those for peers are not, and share the guard."""
        settings = read(f'[c2s]\nlisten = []\n[metrics]\nlisten = ["{LOOPBACK}"]\n[hosts.localhost]\n')
        ports = Ports(settings, (C2S, METRICS))
        behind = {METRICS: Behind(Factory.forProtocol(Protocol))}
        limits = partial(getattr, settings, "limits")
        self.assertEqual(ports.listeners(FakeReactor(), 1_000, {}, limits), [])
        (listener,) = ports.listeners(FakeReactor(), 1_000, behind, limits, of_operators=True)
        listener.stop_accepting()

    def test_behind_a_balancer(self) -> None:
        """What reads its header stands before the ports of its section alone: others go as they did."""
        kinds = (C2S, C2S_DIRECT_TLS, S2S, HTTP, COMPONENT)
        balancer = 'proxy_protocol_from = ["192.0.2.7"]'
        for proxied, section in (((), ""), (kinds[:2], "c2s"), ((S2S,), "s2s"), ((HTTP,), "http")):
            tables = [
                f'[{name}]\nlisten = ["{LOOPBACK}"]\n{balancer if name == section else ""}\n'
                for name in ("s2s", "http", "c2s")
            ]
            text = f'{"".join(tables)}direct_tls_listen = ["{LOOPBACK}"]\n[hosts."a.example"]\n'
            settings = read(text + SERVICE.replace("a.localhost", "b.example"))
            behind = {kind: Behind(Factory.forProtocol(Protocol)) for kind in KINDS}
            listeners = Ports(settings, kinds).listeners(FakeReactor(), 1_000, behind, Limits)
            for listener in listeners:
                self.addCleanup(listener.stop_accepting)
            accept = [type(listener._on_accept) for listener in listeners]
            self.assertEqual(accept, [ProxiedAcceptor if kind in proxied else OwnAcceptor for kind in kinds])

    def test_a_kind_without_addresses(self) -> None:
        """Nothing need stand behind it."""
        settings = read("[c2s]\nlisten = []\ndirect_tls_listen = []\n[hosts.localhost]\n")
        self.assertEqual(Ports(settings).listeners(FakeReactor(), 1_000, {}, lambda: settings.limits), [])

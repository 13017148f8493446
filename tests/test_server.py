"""The parts of a server, as they are put together."""

from base64 import b64decode, b64encode
from typing import Any

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.dialogues.services import SERVICES
from xmppd.config.kinds import SERVICES_ONLY
from xmppd.config.model import Config
from xmppd.config.read import parse
from xmppd.core.domains.strangers import ANSWERED
from xmppd.core.environment import Environment
from xmppd.core.host import IQKey
from xmppd.core.loader import ModuleError
from xmppd.core.module import Module
from xmppd.net import ports
from xmppd.net.ports import OwnAcceptor
from xmppd.net.transport.output import TransportLimits
from xmppd.server import build
from xmppd.stanza.stanza import Stanza
from xmppd.storage.memory import MemoryStorage
from xmppd.stream.limits import StreamLimits
from xmppd.testing.client import NS_SASL, Client
from xmppd.testing.server import MemoryServer, now


class SteadyTimeTests(SynchronousTestCase):
    """Time on a reactor whose ``seconds`` is wall time, as Twisted's own have it."""

    def test_timers_do_not_follow_the_wall_clock(self) -> None:
        """A wall clock that is set forward brings no timer forward: the steady one decides."""
        config, _ = parse("", "test.toml")
        assert config is not None
        wall, steady, rung = Clock(), [100.0], list[float]()
        world = Environment(wall, wall.seconds, execute, lambda size: "text", b"secret", lambda: steady[0])
        server = build(config, MemoryStorage(), world)
        server.timers.add(30.0, lambda now, timer, param: rung.append(now))
        steady[0] = 101.0
        wall.advance(3600.0)
        self.assertEqual(rung, [])
        steady[0] = 130.0
        wall.advance(29.0)
        self.assertEqual(rung, [130.0])


class KeyTests(SynchronousTestCase):
    """What is kept of passwords."""

    def test_iterations(self) -> None:
        """Keys have those of the environment, and decoys too: who is not there looks the same (RFC 5802 9)."""
        memory = MemoryServer("[c2s]\nrequire_tls = false")
        memory.add_account("juliet@localhost")
        for name in ("juliet", "nobody"):
            self.assertIn(",i=1,", self.challenge(memory, name))

    def challenge(self, memory: MemoryServer, name: str) -> str:
        """Give the server-first-message for a user."""
        client = Client("a client", f"{name}@localhost/x")
        memory.connect(client)
        client.send_header()
        first = b64encode(f"n,,n={name},r=nonce".encode()).decode()
        client.send(f"<auth xmlns='{NS_SASL}' mechanism='SCRAM-SHA-1'>{first}</auth>")
        memory.settle()
        return b64decode(client.inbox.pop().text or "").decode()


class LimitTests(SynchronousTestCase):
    """Limits follow the file, of the server and of a host."""

    def config(self, limits: str) -> Config:
        """Give a configuration with these *limits*."""
        config, findings = parse(f'[hosts."localhost"]\n[limits]\n{limits}\n', "test.toml")
        assert config is not None, findings
        return config

    def test_requests_of_our_own(self) -> None:
        """limits.pending_iqs: so many of our own requests may be open, and what a reload says holds for the next."""
        memory = MemoryServer("[limits]\npending_iqs = 2")
        router = memory.server.router

        def ask(number: int) -> None:
            to = f"alice@localhost/{number}"
            request = Stanza.make(
                "iq", b"<a xmlns='b'/>", to=to, from_="localhost", id=str(number), type="get"
            )
            router._requests.expect(request, 30.0).addErrback(errors.append)

        errors: list[Failure] = []
        for number in range(3):
            ask(number)
        self.assertEqual(
            [str(error.value) for error in errors], ["resource-constraint: Too many requests are open"]
        )
        memory.server.take(self.config("pending_iqs = 3"))
        ask(3)
        self.assertEqual(len(errors), 1)

    def test_silent_clients(self) -> None:
        """limits.keepalive_s holds from the next share of a round on."""
        memory = MemoryServer("[limits]\nkeepalive_s = 3600")
        client = memory.logged_in("alice@localhost/desk")
        received: list[bytes] = []
        self.patch(client, "received", received.append)
        memory.server.take(self.config("keepalive_s = 60"))
        memory.clock.pump([1.0] * 60)
        self.assertEqual(received, [])
        memory.clock.pump([1.0] * 180)
        self.assertIn(b" ", received)

    def test_output_of_a_connection(self) -> None:
        """limits.send_buffer_bytes and close_timeout_s hold for who connects after a reload."""
        taken: list[TransportLimits] = []

        def serve(*args: object, limits: TransportLimits, **kw: object) -> None:
            taken.append(limits)

        self.patch(ports, "serve", serve)
        memory = MemoryServer("[limits]\nsend_buffer_bytes = 100_000")
        accept: Any = OwnAcceptor(memory.factory, Clock(), None, lambda: memory.server.config.limits)
        accept(None, None)
        accept(None, None)
        memory.server.take(self.config("send_buffer_bytes = 200_000\nclose_timeout_s = 9"))
        accept(None, None)
        self.assertIs(taken[0], taken[1])
        self.assertEqual((taken[1].write_buffer_bytes, taken[2].write_buffer_bytes), (100_000, 200_000))
        self.assertEqual(taken[2].close_timeout_s, 9)

    def test_before_and_after_authentication(self) -> None:
        """Each option about one stanza is the one that the framer holds to."""
        memory = MemoryServer(
            "[limits]\nunauthenticated_stanza_bytes = 2001\nunauthenticated_depth = 5\nunauthenticated_elements = 7\n"
            "stanza_bytes = 20002\nstanza_depth = 6\nstanza_elements = 8\ntag_bytes = 3003\n"
        )
        client = memory.client("alice@localhost/desk")
        [connection] = memory.factory.connections
        self.assertEqual(connection.framer.limits, StreamLimits(2001, 5, 7, 2001))
        now(Deferred.fromCoroutine(client.authenticate()))
        self.assertEqual(connection.framer.limits, StreamLimits(20_002, 6, 8, 3003))

    def test_time_for_an_answer(self) -> None:
        """limits.iq_timeout_s: a client that does not say what it can do is waited for so long."""
        memory = MemoryServer("[limits]\niq_timeout_s = 5\n")
        client = memory.logged_in("alice@localhost/desk")
        caps = "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/>"
        client.send(f"<presence>{caps}</presence>")
        requests = memory.server.router._requests
        memory.clock.advance(4.9)
        self.assertEqual(len(requests), 1)
        memory.clock.advance(0.2)
        self.assertEqual(len(requests), 0)

    def test_failures_that_count(self) -> None:
        """limits.auth_failure_window_s: a failure is forgotten after that time."""
        memory = MemoryServer("[limits]\nauth_failures_per_address = 2\nauth_failure_window_s = 60\n")
        delays = memory.server.streams.authentication.delays
        delays.failed("192.0.2.1")
        self.assertGreater(delays.failed("192.0.2.1"), 0.0)
        memory.clock.advance(61)
        self.assertEqual(delays.failed("192.0.2.1"), 0.0)

    def test_of_a_host(self) -> None:
        """A host's own limits of a stanza and of failures hold for its streams; another's are the server's."""
        memory = MemoryServer(
            '[hosts."a.example"]\n[hosts."b.example"]\n[hosts."b.example".limits]\nstanza_bytes = 10_000\n'
        )
        stanza = f"<message to='nobody@a.example' type='headline'><body>{'x' * 20_000}</body></message>"
        for host, is_taken in (("a.example", True), ("b.example", False)):
            client = memory.logged_in(f"alice@{host}/desk")
            client.send(stanza)
            self.assertEqual(client.is_connected, is_taken, host)


class StrangerTests(SynchronousTestCase):
    """promises#others-data: others' roster, archive, vCard, private data and password are out of reach."""

    def test_every_request_to_another_s_account(self) -> None:
        """What is the owner's alone is refused to others; and whether there is an account, no answer tells."""
        memory = MemoryServer("[modules.register]\nenabled = true\n")
        memory.add_account("bob@localhost")
        client = memory.logged_in("alice@localhost/desk")
        handlers = memory.server.hosts["localhost"].iq_handlers

        def answer(to: str, key: IQKey) -> tuple[str | None, list[str]]:
            type, namespace, name, _ = key
            client.send(f"<iq type='{type}' id='1' to='{to}'><{name} xmlns='{namespace}'/></iq>")
            [came] = client.inbox
            client.inbox.clear()
            return came.get("type"), [each.tag.partition("}")[2] for each in came.iter()][2:]

        asked = [key for key in handlers if key[3] in ("own", "account")]
        self.assertGreater(len(asked), 20)
        for key in asked:
            of_bob, of_nobody = (answer(f"{name}@localhost", key) for name in ("bob", "nobody"))
            self.assertEqual(of_bob, of_nobody, key)
            if key[:3] not in ANSWERED:
                self.assertEqual(of_bob, ("error", ["service-unavailable"]), key)


class KindTests(SynchronousTestCase):
    """Modules and settings by the kind of domain."""

    OPTIONS = (
        '[hosts."localhost"]\n[components."echo.localhost"]\nmodule = "echo"\n'
        '[components."irc.localhost"]\nsecret = "x"\n'
    )

    def test_modules(self) -> None:
        """A service has its module and those that serve any domain, in a program outside there are none."""
        server = MemoryServer(self.OPTIONS, modules=SERVICES).server
        inside = {"administration", "commands", "disco", "echo", "ping", "time", "uptime", "version"}
        self.assertEqual(set(server.hosts["echo.localhost"].modules), inside)
        self.assertEqual(set(server.hosts["irc.localhost"].modules), set())
        self.assertNotIn("echo", server.hosts["localhost"].modules)
        self.assertLess(inside - {"echo"}, set(server.hosts["localhost"].modules))

    def test_turned_off(self) -> None:
        """What serves any domain is turned off for the server, or for one of them."""
        options = "[modules.time]\nenabled = false\n" + self.OPTIONS
        options += '[components."echo.localhost".modules.ping]\nenabled = false\n'
        hosts = MemoryServer(options, modules=SERVICES).server.hosts
        self.assertEqual({"time", "ping"} & set(hosts["echo.localhost"].modules), set())
        self.assertEqual({"time", "ping"} & set(hosts["localhost"].modules), {"ping"})

    def test_no_such_module(self) -> None:
        """A component whose module there is not keeps the server from starting, with a line."""
        error = self.assertRaises(ModuleError, MemoryServer, self.OPTIONS)
        self.assertEqual(str(error), "there is no module echo")

    def test_wrong_kind(self) -> None:
        """A module is not loaded into a domain that it does not serve, by itself or because another requires it."""

        class Needy(Module):
            name = "needy"
            summary = "Needy"
            for_hosts = SERVICES_ONLY
            requires = ("roster",)

        server = MemoryServer(self.OPTIONS, modules=(*SERVICES, Needy)).server
        host = server.hosts["echo.localhost"]
        start = "echo.localhost is a domain of the kind service: "
        for name, why in (
            ("roster", "roster is not for such domains"),
            ("needy", "needy requires roster, which is not for such domains"),
        ):
            error = self.assertRaises(ModuleError, server.loader.load, host, name)
            self.assertEqual(str(error), start + why)
            self.assertNotIn(name, host.modules)

    def test_limits_follow_the_file(self) -> None:
        """A reload has limits and administrators of components in force, too; what changed its kind stays as it is."""
        server = MemoryServer(self.OPTIONS, modules=SERVICES).server
        own = '[components."echo.localhost".limits]\nstanza_depth = 9\n'
        config, _ = parse('admins = ["a@localhost"]\n' + self.OPTIONS + own, "test.toml")
        assert config is not None
        server.take(config)
        settings = server.hosts["echo.localhost"].settings
        self.assertEqual((settings.limits.stanza_depth, settings.admins), (9, ("a@localhost",)))
        config, _ = parse(
            self.OPTIONS.replace('module = "echo"', 'secret = "x"').replace("irc.", "gone."), "test.toml"
        )
        assert config is not None
        server.take(config)
        self.assertEqual(server.hosts["echo.localhost"].settings.module, "echo")
        self.assertEqual(server.hosts["irc.localhost"].settings.name, "irc.localhost")


class ModuleTests(SynchronousTestCase):
    """Which modules a host has."""

    def modules(self, options: str) -> set[str]:
        """Give the names of those that are loaded."""
        (host,) = MemoryServer(options).server.hosts
        return set(host.modules)

    def test_turned_off_with_what_stands_on_it(self) -> None:
        """Who turns personal eventing off turns off what requires it; who names that all the same has both."""
        built_on_it = {"pep", "avatars", "bookmarks", "vcard4"}
        self.assertEqual(built_on_it - self.modules(""), set())
        without = self.modules("[modules.pep]\nenabled = false\n")
        self.assertEqual(built_on_it & without, set())
        self.assertIn("vcard", without)
        named = self.modules("[modules.pep]\nenabled = false\n[modules.bookmarks]\nenabled = true\n")
        self.assertEqual(built_on_it & named, {"pep", "bookmarks"})

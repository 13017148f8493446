"""Components that connect (XEP-0114): limits, floods, readers that never read, ends; and what waits for them."""

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from xmppd.net.streams.component import ABORT_AFTER_S
from xmppd.net.streams.inlet import QUEUE_BEFORE_PAUSE
from xmppd.services.components.components import Components
from xmppd.services.components.queue import PAGE, STORE
from xmppd.storage.interface import StorageFailed
from xmppd.testing.client import NS_STREAM, Client
from xmppd.testing.component import ComponentClient
from xmppd.testing.server import MemoryCarrier, MemoryServer, now

ROMEO, GATEWAY, CONTACT = "romeo@localhost/orchard", "gateway.localhost", "sms@gateway.localhost"
OPTIONS = f'[components."{GATEWAY}"]\nsecret = "open sesame"\n'
NS_STREAMS = "{urn:ietf:params:xml:ns:xmpp-streams}"


class ComponentTestCase(SynchronousTestCase):
    """A server with one component."""

    options = OPTIONS

    def setUp(self) -> None:
        """Make it; nobody is connected."""
        self.world = MemoryServer(self.options)

    def error(self, client: Client) -> str:
        """Give the condition with which a stream has ended."""
        while client.inbox[0].tag != f"{NS_STREAM}error":
            client.inbox.popleft()
        return client.inbox.popleft()[0].tag.removeprefix(NS_STREAMS)

    def bodies(self, client: Client) -> list[str | None]:
        """Give the bodies of what a client has got since the last call, the type of what has none."""
        bodies = [element.findtext(f"{{{client.content_ns}}}body") for element in client.inbox]
        client.inbox.clear()
        return bodies

    def transport_of(self, client: Client) -> "MemoryCarrier":
        """Give the connection of *client*."""
        assert isinstance(client.carrier, MemoryCarrier)
        return client.carrier


class BeforeTheHandshakeTests(ComponentTestCase):
    """promises#before-authentication holds for components too."""

    def test_little_is_taken(self) -> None:
        """One element of more than 10 kB is refused while it is read."""
        gateway = ComponentClient("gateway", GATEWAY)
        self.world.connect(gateway)
        gateway.send_header()
        gateway.send("<handshake>" + "a" * 20_000)
        self.assertEqual(self.error(gateway), "policy-violation")

    def test_not_too_many_from_one_address(self) -> None:
        """limits.connections_per_address, of their own: clients of the same machine do not count."""
        world = MemoryServer("[limits]\nconnections_per_address = 1\n" + OPTIONS)
        world.client(ROMEO)
        there = IPv4Address("TCP", "127.0.0.1", 1)
        self.assertIsNotNone(world.component_factory.buildProtocol(there))
        gateway = world.component(GATEWAY)
        self.assertIsNone(world.component_factory.buildProtocol(there))
        self.transport_of(gateway).lose()
        self.assertIsNotNone(world.component_factory.buildProtocol(there))
        self.assertEqual(len(world.component_factory.addresses), 0)

    def test_whoever_does_not_let_go(self) -> None:
        """A peer that is sent away and keeps its connection open is cut after a while."""
        gateway = ComponentClient("gateway", "nobody.localhost")
        self.world.connect(gateway)
        gateway.send_header()
        self.world.pass_time(ABORT_AFTER_S + 1)
        self.assertFalse(gateway.is_connected)
        self.assertEqual(len(self.world.component_factory.connections), 0)


class StanzaTests(ComponentTestCase):
    """What a connected component sends."""

    def test_stanzas_of_512_kb(self) -> None:
        """More than a client may, since a component wraps what clients send; beyond that is a policy-violation."""
        gateway, romeo = self.world.component(GATEWAY), self.world.logged_in(ROMEO)
        gateway.send(f"<message from='{CONTACT}' to='{ROMEO}'><body>{'a' * 400_000}</body></message>")
        self.assertEqual([len(body or "") for body in self.bodies(romeo)], [400_000])
        gateway.send(f"<message from='{CONTACT}' to='{ROMEO}'><body>{'a' * 600_000}</body></message>")
        self.assertEqual(self.error(gateway), "policy-violation")
        self.assertFalse(gateway.is_connected)

    def test_content_of_the_component_namespace(self) -> None:
        """What names the component protocol's namespace itself arrives in the client's."""
        gateway, romeo = self.world.component(GATEWAY), self.world.logged_in(ROMEO)
        gateway.send(
            f"<a:message xmlns:a='jabber:component:accept' from='{CONTACT}' to='{ROMEO}'>"
            "<a:body>hello</a:body></a:message>"
        )
        self.assertEqual(self.bodies(romeo), ["hello"])

    def test_what_nobody_takes(self) -> None:
        """RFC 6120 4.9.3.24: refused by its name, when the rest of it has not come yet."""
        gateway = self.world.component(GATEWAY)
        gateway.send("<list xmlns='urn:example'><item>")
        self.assertEqual(self.error(gateway), "unsupported-stanza-type")

    def test_a_silent_component_gets_spaces(self) -> None:
        """RFC 6120 4.6.1: white space and nothing else, once it has shown its secret."""
        gateway, silent = self.world.component(GATEWAY), ComponentClient("silent", GATEWAY)
        self.world.connect(silent)
        got: list[bytes] = []
        for client in (gateway, silent):
            self.patch(client, "received", got.append)
        self.world.pass_time(3 * self.world.server.config.limits.keepalive_s)
        self.assertEqual({piece for piece in got if b"stream" not in piece}, {b" "})

    def test_flood(self) -> None:
        """While too much is not committed the component is not read; nothing is lost."""
        self.world.add_account("juliet@localhost")
        gateway = self.world.component(GATEWAY)
        self.world.storage.clock = self.world.clock
        self.world.storage.commit_delay_s = 1.0
        for number in range(QUEUE_BEFORE_PAUSE * 8):
            gateway.send(
                f"<message from='{CONTACT}' to='juliet@localhost' type='chat'><body>{number}</body></message>"
            )
        self.assertTrue(self.transport_of(gateway)._transport.is_paused)
        self.world.storage.commit_delay_s = 0.0
        self.world.pass_time(30)
        self.assertFalse(self.transport_of(gateway)._transport.is_paused)
        juliet = self.world.logged_in("juliet@localhost/balcony")
        juliet.send("<presence/>")
        self.world.pass_time(5)
        bodies = [body for body in self.bodies(juliet) if body is not None]
        self.assertEqual(bodies, list(map(str, range(QUEUE_BEFORE_PAUSE * 8))))

    def test_other_elements(self) -> None:
        """A first-level element that is no stanza ends the stream; so does a second handshake."""
        for text in ("<handshake/>", "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"):
            gateway = self.world.component(GATEWAY)
            gateway.send(text)
            self.assertEqual(self.error(gateway), "unsupported-stanza-type")

    def test_bad_xml(self) -> None:
        """DTDs, bad bytes and comments end it as they end a client's stream."""
        cases = (
            ("<!DOCTYPE a>", "restricted-xml"),
            ("<a></b>", "not-well-formed"),
            ("<!-- -->", "restricted-xml"),
        )
        for text, condition in cases:
            gateway = self.world.component(GATEWAY)
            gateway.send(text)
            self.assertEqual(self.error(gateway), condition)

    def test_malformed_to(self) -> None:
        """One stanza with a ``to`` that is no address is answered; the stream, which is others' too, goes on."""
        gateway = self.world.component(GATEWAY)
        gateway.send(f"<message from='{CONTACT}' to='@localhost' id='1'><body>hello</body></message>")
        self.assertEqual([element.get("type") for element in gateway.inbox], ["error"])
        self.assertTrue(gateway.is_connected)


class LogTests(ComponentTestCase):
    """What operators read of an end."""

    def test_which_component_it_was(self) -> None:
        """One line, with its name; before it has named itself nobody knows that."""
        with capturedLogs() as events:
            self.world.component(GATEWAY).send("<message from='x@elsewhere.example' to='juliet@localhost'/>")
            stranger = ComponentClient("gateway", "nobody.example")
            self.world.connect(stranger)
            stranger.send_header()
        ends = [line for line in map(formatEvent, events) if " ended: " in line]
        self.assertEqual(
            ends,
            [
                f"Stream of {GATEWAY} ended: invalid-from",
                "Stream of an unknown component ended: host-unknown",
            ],
        )


class EndTests(ComponentTestCase):
    """How streams of components end."""

    def test_shutdown(self) -> None:
        """A server that stops says so to each."""
        gateway = self.world.component(GATEWAY)
        ended = self.world.component_factory.shutdown()
        self.assertEqual(self.error(gateway), "system-shutdown")
        self.assertTrue(ended.called)

    def test_a_lost_connection_leaves_nothing(self) -> None:
        """The service is gone at once, and can come back."""
        gateway, romeo = self.world.component(GATEWAY), self.world.logged_in(ROMEO)
        components = self.world.server.services[Components]
        self.assertTrue(components.is_connected(GATEWAY))
        self.transport_of(gateway).lose()
        self.assertFalse(components.is_connected(GATEWAY))
        romeo.send(f"<message to='{CONTACT}' id='1' type='chat'><body>1</body></message>")
        self.assertEqual([element.get("type") for element in romeo.inbox], ["error"])
        again = self.world.component(GATEWAY)
        romeo.send(f"<message to='{CONTACT}' id='2' type='chat'><body>2</body></message>")
        self.assertEqual(self.bodies(again), ["2"])

    def test_the_one_that_was_replaced_takes_nothing_away(self) -> None:
        """When the connection of a component that was replaced goes at last, its successor stays."""
        first = self.world.component(GATEWAY)
        second = self.world.component(GATEWAY)
        self.assertEqual(self.error(first), "conflict")
        self.assertTrue(self.world.server.services[Components].is_connected(GATEWAY))
        self.assertTrue(second.is_connected)

    def test_keepalive(self) -> None:
        """A component that is silent is sent a space, so that a dead connection shows."""
        gateway = self.world.component(GATEWAY)
        heard: list[bytes] = []
        self.patch(gateway, "received", heard.append)
        self.world.pass_time(700)
        self.assertEqual(set(heard), {b" "})


class QueueTests(ComponentTestCase):
    """promises#components: ``queue = true``."""

    options = OPTIONS + "queue = true\n[components.'gateway.localhost'.limits]\noffline_messages = 250\n"

    def waiting(self, world: MemoryServer | None = None) -> int:
        """Give how many messages are stored for the component."""
        storage = (world or self.world).storage
        return now(storage.count(STORE, GATEWAY))  # type: ignore[no-any-return]  # what `now` gives is anything

    def send(self, client: Client, *numbers: int) -> None:
        """Have *client* send messages to a contact at the gateway."""
        for number in numbers:
            client.send(f"<message to='{CONTACT}' id='{number}' type='chat'><body>{number}</body></message>")

    def test_many_come_in_order_and_once(self) -> None:
        """More than one page; those that come meanwhile wait behind them."""
        romeo = self.world.logged_in(ROMEO)
        self.send(romeo, *range(2 * PAGE + 10))
        self.assertEqual(self.waiting(), 2 * PAGE + 10)
        gateway = self.world.component(GATEWAY)
        self.send(romeo, 1_000)
        self.world.pass_time(20)
        self.assertEqual(self.bodies(gateway), [*map(str, range(2 * PAGE + 10)), "1000"])
        self.assertEqual(self.waiting(), 0)
        self.send(romeo, 1_001)
        self.assertEqual(self.bodies(gateway), ["1001"])

    def test_too_many(self) -> None:
        """The limit offline_messages of the component: resource-constraint, and those that wait are kept."""
        romeo = self.world.logged_in(ROMEO)
        self.send(romeo, *range(251))
        self.assertEqual(
            [(element.get("id"), element.get("type")) for element in romeo.inbox], [("250", "error")]
        )
        self.assertEqual(self.waiting(), 250)

    def test_the_limit_holds_after_a_new_start(self) -> None:
        """What waits is counted then."""
        self.send(self.world.logged_in(ROMEO), *range(250))
        world = MemoryServer(self.options, self.world.storage.killed(), first_id=100_000)
        romeo = world.logged_in(ROMEO)
        self.send(romeo, 250)
        self.assertEqual([element.get("type") for element in romeo.inbox], ["error"])
        gateway = world.component(GATEWAY)
        world.pass_time(20)
        self.assertEqual(self.bodies(gateway), list(map(str, range(250))))

    def mute(self) -> ComponentClient:
        """Give a component that has not logged in yet, and answers no pings."""
        gateway = ComponentClient("gateway", GATEWAY)
        gateway.answers_pings = False
        self.world.connect(gateway)
        return gateway

    def come_again_to(self, gateway: ComponentClient) -> None:
        """Both messages are kept until the connection is lost, and come at the next one."""
        self.world.pass_time(1)
        self.assertEqual(self.waiting(), 2)
        self.transport_of(gateway).lose()
        again = self.world.component(GATEWAY)
        self.world.pass_time(1)
        self.assertEqual(self.bodies(again), ["1", "2"])
        self.assertEqual(self.waiting(), 0)

    def test_what_is_not_read_is_given_again(self) -> None:
        """A component that is killed, and had not answered a ping behind a message: that comes again, with its time."""
        romeo = self.world.logged_in(ROMEO)
        gateway = self.mute()
        now(Deferred.fromCoroutine(gateway.log_in()))
        self.send(romeo, 1, 2)
        self.assertEqual(self.bodies(gateway), ["1", "2"])
        self.come_again_to(gateway)

    def test_what_is_read_is_not(self) -> None:
        """What came before a ping that it has answered, whatever the answer says, is gone; what came after is not."""
        romeo = self.world.logged_in(ROMEO)
        gateway = self.mute()
        now(Deferred.fromCoroutine(gateway.log_in()))
        self.send(romeo, 1)
        self.world.pass_time(1)
        (_, ping) = gateway.inbox
        self.send(romeo, 2)
        gateway.send(
            f"<iq from='{GATEWAY}' to='localhost' id='{ping.get('id')}' type='error'><error type='cancel'>"
            "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        )
        self.assertEqual(self.waiting(), 1)
        self.transport_of(gateway).lose()
        again = self.world.component(GATEWAY)
        self.world.pass_time(1)
        self.assertEqual(self.bodies(again), ["2"])

    def test_one_that_answers_no_pings(self) -> None:
        """What has left for its socket counts as read, once a ping was not answered in time; it is asked no more."""
        romeo = self.world.logged_in(ROMEO)
        gateway = self.mute()
        now(Deferred.fromCoroutine(gateway.log_in()))
        self.send(romeo, 1)
        self.world.pass_time(20)
        self.assertEqual(self.waiting(), 1)
        self.world.pass_time(20)
        self.assertEqual(self.waiting(), 0)
        self.send(romeo, 2)
        self.world.pass_time(1)
        self.assertEqual(self.waiting(), 0)
        self.assertEqual(self.bodies(gateway), ["1", None, "2"])

    def test_the_limit_holds_for_one_that_does_not_read(self) -> None:
        """So many are kept that it may not have read; their senders are told of more."""
        romeo = self.world.logged_in(ROMEO)
        gateway = self.mute()
        now(Deferred.fromCoroutine(gateway.log_in()))
        self.send(romeo, *range(251))
        self.assertEqual([element.get("id") for element in romeo.inbox], ["250"])

    def test_what_has_not_left_is_given_again(self) -> None:
        """A connection that is lost with output in it: that comes again, at the next connection."""
        self.send(self.world.logged_in(ROMEO), 1, 2)
        gateway = self.mute()
        self.transport_of(gateway)._transport.unsent_bytes = 100
        now(Deferred.fromCoroutine(gateway.log_in()))
        self.come_again_to(gateway)

    def test_failing_storage(self) -> None:
        """What cannot be kept is told to its sender, and the component is served all the same."""
        romeo = self.world.logged_in(ROMEO)
        self.send(romeo, 1)
        self.world.storage.failing = StorageFailed("no disk")
        self.send(romeo, 2)
        self.assertEqual([element.get("id") for element in romeo.inbox], ["2"])
        self.world.storage.failing = None
        gateway = self.world.component(GATEWAY)
        self.world.pass_time(20)
        self.assertEqual(self.bodies(gateway), ["1"])
        self.send(romeo, 3)
        self.world.pass_time(1)
        self.assertEqual(self.bodies(gateway), ["3"])

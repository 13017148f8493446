"""Services and components: one door for both, both ways; what the door leaves; whose answers are whose."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from tests.core.routing import ALICE, BOB, REQUEST, RouterTestCase
from xmppd.core.domains.service import ServiceDomain
from xmppd.core.events import IQRequest, Traffic
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.testing.doors import Component, EchoService, FakeDoor, FakeInlet, echo_of

ROOM = "room@rooms.example"
BODY = Element("body", "jabber:client", children=["hi"])


class ServiceTestCase(RouterTestCase):
    """A service at rooms.example, whose door keeps what it gets."""

    def setUp(self) -> None:
        """Open the door."""
        super().setUp()
        self.service = self.router.service("rooms.example")
        self.door = FakeDoor()
        self.service.open(self.door)


class ComingTests(ServiceTestCase):
    """Each row of the table in the module's docstring."""

    def test_messages_and_presence(self) -> None:
        """They are the door's, whoever is named in the domain."""
        for to in ("rooms.example", "rooms.example/x", ROOM, f"{ROOM}/nick"):
            self.send("message", BODY, to=to)
            self.send("presence", to=to)
        names = [(stanza.name, stanza.to) for stanza in self.door.stanzas]
        self.assertEqual(names[:2], [("message", "rooms.example"), ("presence", "rooms.example")])
        self.assertEqual(names[-1], ("presence", f"{ROOM}/nick"))
        self.assertEqual(len(names), 8)

    def test_iq_by_handlers(self) -> None:
        """A handler for the domain or for what has a localpart comes before the door; occupants are the door's."""
        told: list[str] = []

        def answer(kind: str) -> Callable[[IQRequest], Any]:
            return lambda request: told.append(f"{kind} {request.target.full}")

        self.answering(self.rooms, "host", answer("host"))
        self.answering(self.rooms, "node", answer("node"))
        for to in ("rooms.example", "rooms.example/x", ROOM):
            self.send("iq", REQUEST, to=to, type="get", id="1")
            (got,) = self.received(self.alice)
            self.assertEqual((got.get("type"), got.get("from")), ("result", to))
        self.assertEqual(told, ["host rooms.example", "host rooms.example/x", f"node {ROOM}"])
        self.assertEqual(self.door.stanzas, [])
        self.send("iq", REQUEST, to=f"{ROOM}/nick", type="get", id="2")
        self.assertEqual(self.door.stanzas[0].id, "2")

    def test_iq_to_a_component(self) -> None:
        """promises#components: a component sees disco#info to itself, and answers it."""
        got: list[str | None] = []

        def program(stanza: Stanza) -> Stanza:
            got.append(stanza.to)
            return stanza.result(REQUEST)

        Component(self.router.service("gateway.example"), program)
        self.send("iq", REQUEST, to="gateway.example", type="get", id="1")
        (answer,) = self.received(self.alice)
        self.assertEqual(
            (answer.get("type"), answer.get("from"), got), ("result", got[0], ["gateway.example"])
        )

    def test_what_nobody_takes(self) -> None:
        """IQ requests and messages are refused; what must not be answered is dropped, and so is presence.

        As that to an account that is not there (RFC 6121 8.5.1): a component that is gone for a minute would cost each
        of its users an error for each contact there, and a probe that goes unanswered says the same.
        """

        def check() -> None:
            for to in ("rooms.example", ROOM, f"{ROOM}/nick"):
                self.send("message", BODY, to=to)
                self.assertEqual(self.condition(), "service-unavailable")
                self.send("iq", REQUEST, to=to, type="set", id="1")
                self.assertEqual(self.condition(), "service-unavailable")
                self.send("presence", to=to)
                self.send("message", BODY, to=to, type="headline")
                self.send("message", to=to, type="error")
                self.send("iq", to=to, type="result", id="1")
                self.assertEqual(self.condition(), "")

        self.door.answer = lambda traffic: False
        check()
        self.service.close(self.door)
        check()

    def test_a_door_that_waits(self) -> None:
        """The sender's next stanza waits with it; what it says then holds."""
        for verdict, expected in ((True, ""), (False, "service-unavailable"), (StanzaError("gone"), "gone")):
            answer: Deferred[bool] = Deferred()
            self.door.answer = lambda traffic, answer=answer: answer  # type: ignore[misc]  # bound now
            waiting = self.send("message", BODY, to=ROOM)
            self.assertNoResult(waiting)
            if isinstance(verdict, StanzaError):
                answer.errback(verdict)
            else:
                answer.callback(verdict)
            self.assertEqual(self.condition(), expected)
            self.assertIsNone(self.successResultOf(waiting))

    def test_a_door_that_refuses(self) -> None:
        """What it raises goes to the sender."""

        def refuse(traffic: Traffic) -> bool:
            raise StanzaError("not-allowed")

        self.door.answer = refuse
        self.send("message", BODY, to=ROOM)
        self.assertEqual(self.condition(), "not-allowed")

    def test_a_door_is_replaced(self) -> None:
        """The latest takes all; the one before it is told, and its end changes nothing."""
        other = FakeDoor()
        self.assertIs(self.service.open(other), self.door)
        self.service.close(self.door)
        self.send("message", BODY, to=ROOM)
        self.assertEqual((len(self.door.stanzas), len(other.stanzas)), (0, 1))
        self.service.close(other)
        self.assertIsNone(self.service.door)

    def test_a_domain_with_accounts_is_no_service(self) -> None:
        """Nor is one that is not configured."""
        self.assertRaises(KeyError, self.router.service, "a.example")
        self.assertRaises(KeyError, self.router.service, "far.example")


class GoingTests(ServiceTestCase):
    """What a service sends: `ServiceDomain.send`, `ServiceDomain.request`."""

    def test_to_a_client(self) -> None:
        """Addresses are prepared."""
        self.service.send(
            Stanza.make("message", BODY, from_="Room@ROOMS.example/Nick", to="BOB@a.example/phone")
        )
        (got,) = self.received(self.bob)
        self.assertEqual((got.get("from"), got.get("to")), (f"{ROOM}/Nick", BOB))

    def test_another_domain(self) -> None:
        """XEP-0114 3: what is not from the service's own domain ends its stream."""
        for from_, condition in (
            ("gateway.example", "invalid-from"),
            ("x.rooms.example", "invalid-from"),
            (ALICE, "invalid-from"),
            (None, "improper-addressing"),
            ("@", "improper-addressing"),
        ):
            stanza = Stanza.make("message", BODY, from_=from_, to=BOB)
            self.assertEqual(self.ended(self.service, stanza), condition)
        self.assertEqual(self.ended(self.service, Stanza.make("message", from_=ROOM)), "improper-addressing")
        self.assertEqual(self.received(self.bob), [])

    def ended(self, service: ServiceDomain, stanza: Stanza) -> str:
        """Give the condition of the stream error that a stanza causes."""
        error: StreamError = self.assertRaises(StreamError, service.send, stanza, FakeInlet())
        self.assertRaises(ValueError, service.send, stanza)
        return error.condition

    def test_no_address(self) -> None:
        """It is answered, and the stream goes on."""
        self.service.send(Stanza.make("message", BODY, from_=ROOM, to="@", id="1"))
        (error,) = self.door.stanzas
        self.assertEqual((error.type, error.to, error.id), ("error", ROOM, "1"))
        self.assertTrue(error.element.to_bytes().count(b"jid-malformed"))

    def test_errors_come_back(self) -> None:
        """By the door, from whom they are about."""
        self.service.send(Stanza.make("message", BODY, from_=f"{ROOM}/nick", to="nobody@a.example", id="1"))
        (error,) = self.door.stanzas
        self.assertEqual((error.type, error.from_, error.to), ("error", "nobody@a.example", f"{ROOM}/nick"))

    def test_an_answer_is_the_requests(self) -> None:
        """Answers pass the table of the service's own requests before the door, by sender and id."""
        answer = self.service.request(Stanza.make("iq", REQUEST, from_=ROOM, to=BOB, type="get", id="one"))
        self.send("iq", to=ROOM, type="result", id="one")  # alice was not asked
        self.assertNoResult(answer)
        self.assertEqual(len(self.door.stanzas), 1)
        self.send("iq", to=ROOM, type="result", id="one", session=self.bob)
        self.assertEqual(self.successResultOf(answer).type, "result")
        self.assertEqual(len(self.door.stanzas), 1)

    def test_requests_of_others_are_others(self) -> None:
        """Each service has its own table, and the server another."""
        own = self.router.request(Stanza.make("iq", REQUEST, from_="a.example", to=BOB, type="get", id="one"))
        self.send("iq", to=ROOM, type="result", id="one", session=self.bob)
        self.assertNoResult(own)

    def test_a_request_in_vain(self) -> None:
        """It fails with what is said of it, or in time."""
        gone = self.service.request(
            Stanza.make("iq", REQUEST, from_=ROOM, to="bob@a.example/gone", type="get", id="one")
        )
        self.assertEqual(self.failureResultOf(gone, StanzaError).value.condition, "service-unavailable")
        late = self.service.request(Stanza.make("iq", REQUEST, from_=ROOM, to=BOB, type="get", id="two"))
        self.clock.advance(30.0)
        self.assertEqual(self.failureResultOf(late, StanzaError).value.condition, "remote-server-timeout")

    def test_what_is_counted(self) -> None:
        """A component's stream hears of each stanza, of an IQ at once however long it takes."""
        inlet = FakeInlet()
        waits: Deferred[None] = Deferred()
        self.answering(self.a, "host", lambda request: waits)
        iq = Stanza.make("iq", REQUEST, from_=ROOM, to="a.example", type="get", id="1")
        self.assertIsInstance(self.service.send(iq, inlet), Deferred)
        self.assertEqual(inlet.ledger.routed, [0])
        self.service.send(Stanza.make("message", BODY, from_=ROOM, to=BOB), inlet)
        self.assertEqual(inlet.ledger.routed, [0, 0])
        waits.callback(None)
        self.assertEqual(inlet.ledger.routed, [0, 0])
        self.assertEqual(self.door.stanzas[0].type, "result")

    def test_a_mistake_of_a_service(self) -> None:
        """It is the service's: the stream of the client that it was to answer does not end by it."""

        def answer(traffic: Traffic) -> bool:
            self.service.send(traffic.stanza)
            return True

        self.door.answer = answer
        self.assertRaises(ValueError, self.send, "message", BODY, to=ROOM)


class SameDoorTests(RouterTestCase):
    """Inside equals outside: an echo service in this process and an echo component, seen from a client."""

    def test_the_same_echo(self) -> None:
        """What alice hears differs in the domain alone."""
        EchoService(self.router.service("rooms.example"))
        Component(self.router.service("gateway.example"), echo_of)
        heard = []
        for domain in ("rooms.example", "gateway.example"):
            self.send("message", BODY, to=f"echo@{domain}/x", type="chat", id="1")
            (got,) = self.received(self.alice)
            heard.append(got.to_bytes("jabber:client").replace(domain.encode(), b"DOMAIN"))
        self.assertEqual(heard[0], heard[1])
        self.assertIn(b"from='echo@DOMAIN/x'", heard[0])

    def test_a_service_and_a_component(self) -> None:
        """They speak to each other by the same doors."""
        EchoService(self.router.service("rooms.example"))
        got: list[Stanza] = []
        component = Component(self.router.service("gateway.example"), got.append)
        component.send(Stanza.make("message", BODY, from_="a@gateway.example", to=ROOM))
        self.assertEqual([(stanza.from_, stanza.to) for stanza in got], [(ROOM, "a@gateway.example")])

"""The router's table, row by row: RFC 6120 8 and 10, RFC 6121 8; what is refused; the server's own stanzas."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from tests.core.routing import ALICE, BOB, REQUEST, RouterTestCase
from xmppd.core import events
from xmppd.core.events import Traffic
from xmppd.core.stations import ACTING, SHOWING
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.testing.doors import FakeDoor
from xmppd.testing.sessions import bound_session


def taking(taken: list[Traffic]) -> Callable[[Traffic], bool]:
    """Give a handler that takes all there is."""

    def take(traffic: Traffic) -> bool:
        taken.append(traffic)
        return True

    return take


class TargetTests(RouterTestCase):
    """Each row of the table in the router's docstring."""

    def test_without_to(self) -> None:
        """RFC 6120 10.3: the sender's own account; a message says so to whoever gets it."""
        self.send("message", type="chat", id="1")
        (got,) = self.received(self.alice)
        self.assertEqual((got.get("to"), got.get("from")), ("alice@a.example", ALICE))
        self.answering(self.a, "own", lambda request: Element("query", "urn:x", {"of": request.target.full}))
        self.send("iq", REQUEST, type="get", id="2")
        (got,) = self.received(self.alice)
        self.assertEqual(next(got.elements()).get("of"), "alice@a.example")
        self.assertIn(got.get("from"), (None, "alice@a.example"))

    def test_domain_that_is_not_served(self) -> None:
        """RFC 6120 10.4: remote-server-not-found, for all that may be answered."""
        self.send("message", to="x@far.example", id="1")
        self.assertEqual(self.condition(), "remote-server-not-found")
        self.send("iq", REQUEST, to="far.example", type="get", id="2")
        self.assertEqual(self.condition(), "remote-server-not-found")
        self.send("iq", to="far.example", type="result", id="3")
        self.send("message", to="far.example", type="error", id="4")
        self.assertEqual(self.condition(), "")

    def test_domain_that_is_reached_by_a_door(self) -> None:
        """Whoever reaches it takes the stanza, with a true from and a prepared to."""
        door = FakeDoor()
        self.router.remote.open(door)
        self.send("message", to="X@FAR.example", id="1", from_="alice@a.example")
        self.assertEqual((door.stanzas[0].from_, door.stanzas[0].to), (ALICE, "x@far.example"))
        self.assertEqual(self.condition(), "")

    def test_message_to_a_served_domain(self) -> None:
        """RFC 6120 10.5.1: service-unavailable unless `HOST_STANZA` takes it; headlines and errors are dropped."""
        self.send("message", to="a.example", id="1")
        self.assertEqual(self.condition(), "service-unavailable")
        self.send("message", to="a.example", type="headline")
        self.send("message", to="a.example", type="error")
        self.assertEqual(self.condition(), "")
        self.a.hooks.add(events.HOST_STANZA, lambda traffic: True)
        self.send("message", to="a.example", id="2")
        self.assertEqual(self.condition(), "")

    def test_presence_to_a_served_domain(self) -> None:
        """RFC 6120 10.5.1: dropped, whether a handler looks at it at once or later."""
        self.send("presence", to="a.example")
        looked: list[Deferred[None]] = []

        def look(traffic: Traffic) -> Deferred[None]:
            looked.append(Deferred())
            return looked[-1]

        self.a.hooks.add(events.HOST_STANZA, look)
        self.send("presence", to="a.example")
        looked[0].callback(None)
        self.assertEqual(self.condition(), "")

    def test_iq_to_a_served_domain(self) -> None:
        """Its own handler, also where a resource is named, of the domain that is asked; else service-unavailable."""
        self.answering(self.b, "host", lambda request: Element("query", "urn:x"))
        self.send("iq", REQUEST, to="b.example", type="get", id="1")
        (got,) = self.received(self.alice)
        self.assertEqual((got.get("type"), got.get("from"), got.get("to")), ("result", "b.example", ALICE))
        self.send("iq", REQUEST, to="b.example/x", type="get", id="2")
        (got,) = self.received(self.alice)
        self.assertEqual((got.get("type"), got.get("from")), ("result", "b.example/x"))
        self.send("iq", REQUEST, to="a.example", type="get", id="3")
        self.assertEqual(self.condition(), "service-unavailable")

    def test_iq_to_an_account(self) -> None:
        """RFC 6121 8.5.1, 8.5.2.1.3: the server answers for it, a stranger's and one that is not there alike."""
        for account in ("bob@a.example", "nobody@a.example"):
            self.send("iq", REQUEST, to=account, type="get", id="1")
            self.assertEqual(self.condition(), "service-unavailable")
        self.answering(self.a, "own", lambda request: None)
        for account in ("bob@a.example", "nobody@a.example"):
            self.send("iq", REQUEST, to=account, type="get", id="1")
            self.assertEqual(self.condition(), "service-unavailable")
        self.answering(self.a, "account", lambda request: None)
        self.send("iq", REQUEST, to="bob@a.example", type="get", id="1")
        (got,) = self.received(self.alice)
        self.assertEqual((got.get("type"), got.get("from")), ("result", "bob@a.example"))
        self.send("iq", REQUEST, to="nobody@a.example", type="get", id="1")
        self.assertEqual(self.condition(), "service-unavailable")
        self.assertEqual(self.received(self.bob), [])

    def test_iq_to_a_resource(self) -> None:
        """RFC 6121 8.5.3: the session gets it; of an absent one only requests are answered."""
        self.send("iq", REQUEST, to=BOB, type="get", id="1")
        (got,) = self.received(self.bob)
        self.assertEqual((got.get("from"), got.get("id")), (ALICE, "1"))
        for kind, expected in (("get", "service-unavailable"), ("set", "service-unavailable")):
            self.send("iq", REQUEST, to="bob@a.example/gone", type=kind, id="2")
            self.assertEqual(self.condition(), expected)
        for kind in ("result", "error"):
            self.send("iq", to="bob@a.example/gone", type=kind, id="3")
        self.assertEqual(self.condition(), "")

    def test_message_to_a_resource(self) -> None:
        """RFC 6121 8.5.3.1: the session, whatever its presence and priority."""
        quiet = bound_session(self.registry, "bob@a.example/quiet")
        for kind in ("chat", "normal", "headline", "groupchat", "error"):
            self.send("message", to="bob@a.example/quiet", type=kind)
        self.assertEqual(len(self.received(quiet)), 5)
        self.assertEqual(self.received(self.bob), [])

    def test_message_that_nobody_takes(self) -> None:
        """RFC 6121 8.5.1, 8.5.2.2: kept for an account where somebody keeps it, else service-unavailable."""
        kept: list[Traffic] = []
        self.a.hooks.add(events.MESSAGE_UNDELIVERED, taking(kept), ACTING)
        self.registry.destroy(self.bob)
        self.send("message", to="bob@a.example", type="chat", id="1")
        self.send("message", to=BOB, type="chat", id="2")
        self.assertEqual(([each.stanza.id for each in kept], self.condition()), (["1", "2"], ""))
        self.send("message", to="nobody@a.example", type="chat", id="3")
        self.assertEqual(
            ([each.stanza.id for each in kept], self.condition()), (["1", "2"], "service-unavailable")
        )
        self.send("message", to="bob@a.example", type="groupchat", id="4")
        self.assertEqual(self.condition(), "service-unavailable")
        self.send("message", to="bob@a.example", type="error", id="5")
        self.send("message", to="nobody@a.example", type="headline", id="6")
        self.assertEqual(([each.stanza.id for each in kept], self.condition()), (["1", "2"], ""))

    def test_presence_to_an_account(self) -> None:
        """`ACCOUNT_PRESENCE` gets it at the recipient's host; nobody answers, whether there is one or not."""
        seen: list[str] = []
        self.a.hooks.add(events.ACCOUNT_PRESENCE, lambda traffic: seen.append(traffic.target.full), SHOWING)
        self.send("presence", to="bob@a.example")
        self.send("presence", to="nobody@a.example/x", type="unavailable")
        self.assertEqual((seen, self.condition()), (["bob@a.example", "nobody@a.example/x"], ""))


class ChecksTests(RouterTestCase):
    """What is wrong with a stanza before it goes anywhere."""

    def test_from_is_stamped(self) -> None:
        """RFC 6120 8.1.2.1: full JID; bare where it is about a subscription (RFC 6121 3.1.2)."""
        seen: list[str | None] = []
        self.a.hooks.add(events.ACCOUNT_PRESENCE, lambda traffic: seen.append(traffic.stanza.from_), SHOWING)
        for kind in (None, "unavailable", "probe", "subscribe", "subscribed", "unsubscribe", "unsubscribed"):
            self.send("presence", to="bob@a.example", type=kind)
        self.assertEqual(seen, [ALICE] * 3 + ["alice@a.example"] * 4)

    def test_forged_from(self) -> None:
        """RFC 6120 4.9.3.9: another's address, or none at all, ends the stream."""
        for forged in (
            "bob@a.example",
            BOB,
            "alice@a.example/other",
            "a.example",
            "",
            "@",
            "alice@b.example/desk",
        ):
            self.assertRaises(StreamError, self.send, "message", from_=forged, to=BOB)
        self.assertEqual(self.received(self.bob), [])

    def test_to_is_prepared(self) -> None:
        """RFC 7622 3: compared and delivered as prepared; what cannot be is jid-malformed."""
        self.send("message", to="BOB@A.example/phone")
        (got,) = self.received(self.bob)
        self.assertEqual(got.get("to"), BOB)
        self.send("message", to="@", id="1")
        self.assertEqual(self.condition(), "jid-malformed")
        self.send("message", to="@", type="error")
        self.assertEqual(self.condition(), "")

    def test_iq_contract(self) -> None:
        """RFC 6120 8.2.3: id, type and number of children; an answer that is wrong is dropped."""
        wrong: list[tuple[tuple[Element, ...], dict[str, Any]]] = [
            ((), {"type": "get", "id": "1"}),
            ((REQUEST, REQUEST), {"type": "set", "id": "1"}),
            ((REQUEST,), {"type": "get"}),
            ((REQUEST,), {"type": "chat", "id": "1"}),
            ((REQUEST,), {"id": "1"}),
        ]
        for payload, attrs in wrong:
            self.send("iq", *payload, to="a.example", **attrs)
            self.assertEqual(self.condition(), "bad-request")
        self.send("iq", to="a.example", type="result")
        self.assertEqual(self.condition(), "")

    def test_iq_contract_of_others(self) -> None:
        """The same for what comes from other servers and components: by the error, never by an exception."""
        door = FakeDoor()
        self.router.remote.open(door)
        self.router.route(Stanza.make("iq", from_="x@far.example", to="a.example", type="get", id="1"))
        self.router.route(Stanza.make("iq", REQUEST, from_="x@far.example", to="a.example", type="get"))
        self.assertEqual([stanza.type for stanza in door.stanzas], ["error", "error"])
        self.assertTrue(all(stanza.to == "x@far.example" for stanza in door.stanzas))

    def test_language_of_the_stream(self) -> None:
        """RFC 6120 8.1.5: a stanza without one gets that of its sender's header."""
        self.alice.lang = "it"
        self.send("message", to=BOB)
        self.send("message", to=BOB, lang="la")
        self.send("message", to=BOB, lang="")
        self.assertEqual([got.get("xml:lang") for got in self.received(self.bob)], ["it", "la", ""])


class OwnStanzasTests(RouterTestCase):
    """What services of ours send: `route` and `request`."""

    def test_route(self) -> None:
        """To a session, and errors back to nobody."""
        self.router.route(Stanza.make("message", from_="a.example", to=BOB, type="headline"))
        (got,) = self.received(self.bob)
        self.assertEqual(got.get("from"), "a.example")
        self.router.route(Stanza.make("message", from_="a.example", to="nobody@a.example"))
        self.router.route(Stanza.make("message", from_="a.example", to="@"))

    def test_request_and_its_answer(self) -> None:
        """RFC 6120 8.2.3: matched by who was asked and the id together."""
        answer = self.router.request(
            Stanza.make("iq", REQUEST, from_="a.example", to=BOB, type="get", id="one")
        )
        self.assertEqual(self.received(self.bob)[0].get("id"), "one")
        self.send("iq", to="a.example", type="result", id="one")  # alice was not asked
        self.assertNoResult(answer)
        self.send("iq", to="a.example", type="result", id="one", session=self.bob)
        self.assertEqual(self.successResultOf(answer).type, "result")

    def test_request_to_who_is_not_there(self) -> None:
        """It fails with what the router says of it, at once."""
        answer = self.router.request(
            Stanza.make("iq", REQUEST, from_="a.example", to="bob@a.example/gone", type="get", id="one")
        )
        self.assertEqual(self.failureResultOf(answer, StanzaError).value.condition, "service-unavailable")

    def test_request_without_an_answer(self) -> None:
        """It fails in time."""
        answer = self.router.request(
            Stanza.make("iq", REQUEST, from_="a.example", to=BOB, type="get", id="one"), timeout_s=30.0
        )
        self.clock.advance(30.0)
        self.assertEqual(self.failureResultOf(answer, StanzaError).value.condition, "remote-server-timeout")

    def test_refusal_is_never_answered(self) -> None:
        """RFC 6120 8.3.1: an error or a result is never answered with an error."""
        for kind in ("error", "result"):
            name = "iq" if kind == "result" else "message"
            refused = Stanza.make(name, from_=ALICE, to=BOB, type=kind, id="1")
            self.router.refuse(refused, StanzaError("gone"), self.alice)
        self.assertEqual(self.received(self.alice), [])

    def test_jid_of_the_sender_needs_no_session(self) -> None:
        """A reply to somebody far away leaves by the door of who reaches them."""
        door = FakeDoor()
        self.router.remote.open(door)
        self.answering(self.a, "host", lambda request: None)
        self.router.route(
            Stanza.make("iq", REQUEST, from_="x@far.example/y", to="a.example", type="get", id="1")
        )
        self.assertEqual(
            (door.traffics[0].target, door.stanzas[0].type), (JID.parse("x@far.example/y"), "result")
        )

"""A stanza becomes another: `Router.forward`; owners that live elsewhere: `Router.elsewhere`."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from tests.core.routing import ALICE, BOB, RouterTestCase
from xmppd.core import events
from xmppd.core.domains.door import Taken
from xmppd.core.events import Traffic
from xmppd.core.router import MOST_HOPS
from xmppd.core.stations import ACTING, ARCHIVING
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Change, Put
from xmppd.testing.doors import FakeDoor

ROOM = "room@rooms.example"
BODY = Element("body", "jabber:client", children=["hi"])


def change(key: str) -> Put:
    """Give a change to tell by its key."""
    return Put("test", "bob@a.example", key, b"")


class ForwardTests(RouterTestCase):
    """Alice writes to a room that sends it on to Bob."""

    def setUp(self) -> None:
        """Let the room send on, and both stanzas change something."""
        super().setUp()
        self.inlets: list[Any] = []
        self.commits: list[tuple[Change, ...]] = []
        submit = self.storage.submit

        def noted(changes: tuple[Change, ...], decided: Any) -> None:
            self.commits.append(changes)
            submit(changes, decided)

        self.storage.submit = noted  # type: ignore[method-assign,assignment]  # to see what is one transaction
        self.a.hooks.add(
            events.CLIENT_STANZA, lambda traffic: traffic.changes.append(change("sent")), ARCHIVING
        )
        self.a.hooks.add(events.ACCOUNT_STANZA, self.arrives, ACTING)
        self.answer: Any = None
        self.router.service("rooms.example").open(FakeDoor(self.send_on))

    def send_on(self, traffic: Traffic) -> Taken:
        """What the room does; errors it keeps to itself."""
        if traffic.stanza.type == "error":
            return True
        copy = traffic.stanza.replace(from_=f"{ROOM}/alice", to=BOB)
        waiting = self.router.forward(traffic, copy, JID.parse(BOB))
        return True if waiting is None else waiting.addCallback(lambda _: True)

    def arrives(self, traffic: Traffic) -> Any:
        """Change something at Bob's, and say what the test wants."""
        traffic.changes.append(change("got"))
        self.inlets.append((traffic.origin, traffic.inlet))
        if isinstance(self.answer, StanzaError):
            raise self.answer
        return self.answer

    def keys(self) -> list[list[str]]:
        """Give what was committed, by transaction."""
        return [[each.key for each in changes if isinstance(each, Put)] for changes in self.commits]

    def test_one_transaction(self) -> None:
        """What both change is committed together; the inlet is the sender's, the origin nobody's."""
        self.send("message", BODY, to=ROOM)
        self.assertEqual(self.keys(), [["sent", "got"]])
        self.assertEqual(self.inlets, [(None, self.alice)])
        (got,) = self.received(self.bob)
        self.assertEqual(got.get("from"), f"{ROOM}/alice")

    def test_one_transaction_after_waiting(self) -> None:
        """Both wait for who waits on the way of either."""
        self.answer = Deferred()
        waiting = self.send("message", BODY, to=ROOM)
        self.assertEqual(self.keys(), [])
        self.answer.callback(None)
        self.assertEqual(self.keys(), [["sent", "got"]])
        self.assertIs(self.successResultOf(waiting).is_kept, True)

    def test_in_the_name_of_an_account(self) -> None:
        """With *is_sent* it is as if the account it is from had sent it, so that its own side keeps it, too."""
        copy = Stanza.make("message", BODY, from_="alice@a.example", to=BOB)

        def send_on(traffic: Traffic) -> bool:
            self.router.forward(traffic, copy, JID.parse(BOB), is_sent=True)
            return True

        self.router.service("rooms.example").open(FakeDoor(send_on))
        self.send("message", BODY, to=ROOM)
        self.assertEqual(self.keys(), [["sent", "sent", "got"]])
        self.answer = StanzaError("forbidden")
        self.send("message", BODY, to=ROOM)
        self.assertEqual(self.keys()[1:], [["sent"]])

    def test_refused_alone(self) -> None:
        """What the derived stanza changed is undone, and its own sender hears of it; the first goes on."""
        for is_later in (False, True):
            self.commits.clear()
            error: Deferred[None] = Deferred()
            self.answer = error if is_later else StanzaError("forbidden")
            self.send("message", BODY, to=ROOM)
            if is_later:
                error.errback(StanzaError("forbidden"))
            self.assertEqual(self.keys(), [["sent"]])
            self.assertEqual((self.condition(), self.received(self.bob)), ("", []))

    def test_in_the_senders_own_name(self) -> None:
        """Errors about what is sent for a client reach it, as about what it sends itself."""

        def redirect(traffic: Traffic) -> Taken:
            self.router.forward(traffic, traffic.stanza.replace(to="x@b.example"), JID.parse("x@b.example"))
            return True

        self.router.service("rooms.example").open(FakeDoor(redirect))
        self.send("message", BODY, to=ROOM)
        self.assertEqual(self.condition(), "service-unavailable")


class RowTests(RouterTestCase):
    """Two services that answer whatever comes, each other too: the row ends, and who sent the last hears it."""

    def setUp(self) -> None:
        """Have both keep what they get."""
        super().setUp()
        self.got: list[Stanza] = []
        self.waits: list[Deferred[None]] = []

    def answer(self, traffic: Traffic) -> Stanza | None:
        """Answer what is no error."""
        self.got.append(traffic.stanza)
        if traffic.stanza.type == "error":
            return None
        return traffic.stanza.replace(from_=traffic.stanza.to, to=traffic.stanza.from_)

    def open(self, take: Callable[[Traffic], Taken]) -> None:
        """Let both services take so, and one begin."""
        for name in ("rooms.example", "gateway.example"):
            self.router.service(name).open(FakeDoor(take))
        self.router.service("rooms.example").send(
            Stanza.make("message", BODY, from_=ROOM, to="gateway.example")
        )

    def ended(self) -> None:
        """The row has ended with an error for one of the two."""
        self.assertEqual([stanza.type for stanza in self.got[-2:]], [None, "error"])
        self.assertIn(b"policy-violation", self.got[-1].element.to_bytes())
        self.assertIn(len(self.got), range(MOST_HOPS, MOST_HOPS + 3))

    def test_sent(self) -> None:
        """Each sends a stanza of its own as soon as it gets one."""

        def take(traffic: Traffic) -> bool:
            answer = self.answer(traffic)
            if answer is not None:
                self.router.service(traffic.target.domainpart).send(answer)
            return True

        self.open(take)
        self.ended()

    def test_forwarded(self) -> None:
        """Each stanza becomes the next, at once or later: the first of them is not kept from its end for ever."""
        for is_later in (False, True):
            self.got.clear()

            def take(traffic: Traffic, is_later: bool = is_later) -> Taken:
                answer = self.answer(traffic)
                if answer is None:
                    return True
                waiting: Deferred[None] = Deferred()
                forwarded = waiting.addCallback(
                    lambda _: self.router.forward(traffic, answer, JID.parse(answer.to or ""))
                )
                self.waits.append(waiting)
                if not is_later:
                    waiting.callback(None)
                return forwarded.addCallback(lambda _: True)

            self.waits.clear()
            self.open(take)
            if is_later:
                for waiting in self.waits:
                    waiting.callback(None)
            self.ended()

    def test_errors_that_are_answered(self) -> None:
        """Even who answers errors with errors (RFC 6120 8.3.1 forbids it) comes to an end."""

        def take(traffic: Traffic) -> bool:
            self.got.append(traffic.stanza)
            sender, target = traffic.stanza.from_, traffic.stanza.to
            answer = traffic.stanza.replace(from_=target, to=sender, type="error")
            self.router.service(traffic.target.domainpart).send(answer)
            return True

        self.open(take)
        self.assertIn(len(self.got), range(MOST_HOPS, 2 * MOST_HOPS + 2))


class ElsewhereTests(RouterTestCase):
    """An owner lives in one process; the others have a door to it."""

    def setUp(self) -> None:
        """Bob lives elsewhere."""
        super().setUp()
        self.door = FakeDoor()
        self.router.elsewhere = lambda jid: self.door if jid.bare == "bob@a.example" else None

    def test_who_lives_elsewhere(self) -> None:
        """What is for him leaves by the door, from clients and from the server; the rest is as ever."""
        self.send("message", BODY, to=BOB)
        self.router.route(Stanza.make("message", BODY, from_="a.example", to="bob@a.example"))
        self.send("message", BODY, to=ALICE)
        self.assertEqual([stanza.to for stanza in self.door.stanzas], [BOB, "bob@a.example"])
        self.assertEqual((len(self.received(self.alice)), self.received(self.bob)), (1, []))

    def test_out_of_reach(self) -> None:
        """A door that does not take it: the sender hears that this is no matter of its own."""
        self.door.answer = lambda traffic: False
        self.send("message", BODY, to=BOB)
        self.assertEqual(self.condition(), "remote-server-timeout")

    def test_who_is_here(self) -> None:
        """Accounts of our domains that live in this process, whether they are there or not."""
        for bare_jid, is_here in (
            ("alice@a.example", True),
            ("nobody@b.example", True),
            ("bob@a.example", False),
            ("x@gateway.example", False),
            (ROOM, False),
            ("x@far.example", False),
            ("a.example", False),
        ):
            self.assertEqual(self.router.is_here(bare_jid), is_here, bare_jid)

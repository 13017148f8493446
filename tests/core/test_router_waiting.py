"""The router where something takes its time: hooks that wait, and what is committed."""

from typing import Any

from twisted.internet.defer import Deferred

from tests.core.routing import BOB, REQUEST, RouterTestCase
from xmppd.core import events
from xmppd.core.events import Delivery, Traffic
from xmppd.core.stations import ACTING, SHOWING
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.storage.interface import Put, StorageFailed
from xmppd.testing.doors import FakeDoor


class WaitingTests(RouterTestCase):
    """Handlers that wait: the sender's next stanza waits with them, and what follows is as if they had not."""

    def setUp(self) -> None:
        """Give the handlers something to wait for."""
        super().setUp()
        self.answer: Deferred[Any] = Deferred()

    def wait(self, payload: object) -> Deferred[Any]:
        """Handle anything, later."""
        return self.answer

    def test_iq_handler(self) -> None:
        """The result comes when the payload does."""
        self.answering(self.a, "host", self.wait)
        waiting = self.send("iq", REQUEST, to="a.example", type="get", id="1")
        self.assertIsInstance(waiting, Deferred)
        self.assertEqual(self.received(self.alice), [])
        self.answer.callback(Element("query", "urn:x"))
        (got,) = self.received(self.alice)
        self.assertEqual(got.get("type"), "result")
        self.assertIsNone(self.successResultOf(waiting))

    def test_stanza_error_after_waiting(self) -> None:
        """It goes to the sender as if it had been raised at once."""
        self.answering(self.a, "host", self.wait)
        waiting = self.send("iq", REQUEST, to="a.example", type="get", id="1")
        self.answer.errback(StanzaError("conflict"))
        self.assertEqual(self.condition(), "conflict")
        self.assertIsNone(self.successResultOf(waiting))

    def test_storage_error_after_waiting(self) -> None:
        """A change that could not be stored is resource-constraint (wait)."""
        self.answering(self.a, "host", self.wait)
        self.send("iq", REQUEST, to="a.example", type="get", id="1")
        self.answer.errback(StorageFailed("disk full"))
        self.assertEqual(self.condition(), "resource-constraint")

    def test_bug_after_waiting(self) -> None:
        """Anything else is a bug: logged once, the sender gets internal-server-error, once."""
        self.answering(self.a, "host", self.wait)
        waiting = self.send("iq", REQUEST, to="a.example", type="get", id="1")
        self.answer.errback(ZeroDivisionError())
        self.assertEqual(self.condition(), "internal-server-error")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertIsNone(self.successResultOf(waiting))

    def test_stream_error_after_waiting(self) -> None:
        """It reaches the stream, which ends."""
        self.answering(self.a, "host", self.wait)
        waiting = self.send("iq", REQUEST, to="a.example", type="get", id="1")
        self.answer.errback(StreamError("policy-violation"))
        self.failureResultOf(waiting, StreamError)

    def test_sender_that_goes_meanwhile(self) -> None:
        """An answer to a session that has ended reaches nobody."""
        self.answering(self.a, "host", self.wait)
        waiting = self.send("iq", REQUEST, to="a.example", type="get", id="1")
        conn = self.alice.conn
        self.registry.destroy(self.alice)
        self.answer.callback(None)
        self.assertIsNone(self.successResultOf(waiting))
        assert conn is not None
        self.assertEqual(getattr(conn, "written"), [])  # noqa: B009 - the protocol of connections has no such thing

    def test_every_hook_on_the_way(self) -> None:
        """A hook that waits and does not take the stanza lets it go on; one that takes it ends its way."""
        hooks: tuple[Any, ...] = (
            events.CLIENT_STANZA,
            events.ACCOUNT_STANZA,
            events.MESSAGE_DELIVERING,
        )
        for hook in hooks:
            for is_taken in (None, True):
                self.answer = Deferred()
                self.a.hooks.add(hook, self.wait, ACTING)
                waiting = self.send("message", to=BOB)
                self.assertEqual(self.received(self.bob), [])
                self.answer.callback(is_taken)
                self.assertEqual(len(self.received(self.bob)), 0 if is_taken else 1, hook)
                self.assertIsNone(self.successResultOf(waiting))
                self.a.hooks.remove(hook, self.wait)

    def test_undelivered_after_waiting(self) -> None:
        """Whether somebody keeps it is known later; if nobody does, the sender hears it then."""
        self.a.hooks.add(events.MESSAGE_UNDELIVERED, self.wait, ACTING)
        self.registry.destroy(self.bob)
        self.send("message", to="bob@a.example", id="1")
        self.assertEqual(self.condition(), "")
        self.answer.callback(None)
        self.assertEqual(self.condition(), "service-unavailable")

    def test_remote_after_waiting(self) -> None:
        """A domain that turns out to be out of reach is remote-server-not-found, as one that is at once."""
        self.router.remote.open(FakeDoor(self.wait))
        self.send("message", to="far.example", id="1")
        self.assertEqual(self.condition(), "")
        self.answer.callback(None)
        self.assertEqual(self.condition(), "remote-server-not-found")

    def test_recipient_that_goes_meanwhile(self) -> None:
        """State is read again after waiting: who has gone does not take the message, and the sender hears it."""
        self.a.hooks.add(events.MESSAGE_DELIVERING, self.wait, ACTING)
        self.send("message", to=BOB, id="1")
        self.registry.destroy(self.bob)
        self.answer.callback(None)
        self.assertEqual(self.condition(), "service-unavailable")

    def test_presence_hook(self) -> None:
        """`CLIENT_PRESENCE` and `ACCOUNT_PRESENCE` may wait too."""
        self.a.hooks.add(events.CLIENT_PRESENCE, self.wait, SHOWING)
        seen: list[Traffic] = []
        self.a.hooks.add(events.ACCOUNT_PRESENCE, seen.append, SHOWING)
        waiting = self.send("presence", to="bob@a.example")
        self.assertEqual(seen, [])
        self.answer.callback(None)
        self.assertEqual(len(seen), 1)
        self.assertIsNone(self.successResultOf(waiting))


class CommitTests(RouterTestCase):
    """What a stanza changes is committed in one transaction, once it is routed; a refused one changes nothing."""

    CHANGE = Put("test", "bob@a.example", "key", b"value")

    def stored(self) -> bytes | None:
        """Give what is there."""
        value: bytes | None = self.successResultOf(self.storage.get("test", "bob@a.example", "key"))
        return value

    def test_changes_are_committed(self) -> None:
        """The live copy does not wait for it."""
        self.a.hooks.add(events.ACCOUNT_STANZA, lambda traffic: traffic.changes.append(self.CHANGE), ACTING)
        self.send("message", to=BOB)
        self.assertEqual((self.stored(), len(self.received(self.bob))), (b"value", 1))

    def test_changes_of_a_delivery(self) -> None:
        """A `Delivery` adds to the same transaction."""

        def add(delivery: Delivery) -> None:
            delivery.changes.append(self.CHANGE)

        self.a.hooks.add(events.MESSAGE_DELIVERING, add, ACTING)
        self.send("message", to=BOB)
        self.assertEqual(self.stored(), b"value")

    def test_refused_stanza_changes_nothing(self) -> None:
        """At once or after waiting."""
        answers: list[Deferred[None]] = []

        def add(traffic: Traffic) -> Deferred[None] | None:
            traffic.changes.append(self.CHANGE)
            if traffic.stanza.id == "at once":
                raise StanzaError("forbidden")
            answers.append(Deferred())
            return answers[-1]

        self.a.hooks.add(events.ACCOUNT_STANZA, add, ACTING)
        self.send("message", to=BOB, id="at once")
        self.assertEqual((self.stored(), self.condition()), (None, "forbidden"))
        self.send("message", to=BOB, id="later")
        answers[0].errback(StanzaError("forbidden"))
        self.assertEqual((self.stored(), self.condition()), (None, "forbidden"))

    def test_failed_commit(self) -> None:
        """The sender gets resource-constraint (wait), and whoever counts the stanza sees that it is not durable."""
        self.a.hooks.add(events.ACCOUNT_STANZA, lambda traffic: traffic.changes.append(self.CHANGE), ACTING)
        self.storage.failing = StorageFailed("disk full")
        commit = self.send("message", to=BOB, id="1")
        self.assertEqual(self.condition(), "resource-constraint")
        self.assertIs(commit.is_kept, False)

    def test_commit_after_waiting(self) -> None:
        """What waits gives the commit when it is done; nothing where nothing changed."""
        answer: Deferred[None] = Deferred()

        def add(traffic: Traffic) -> Deferred[None]:
            traffic.changes.append(self.CHANGE)
            return answer

        self.assertIsNone(self.send("message", to=BOB))
        self.a.hooks.add(events.ACCOUNT_STANZA, add, ACTING)
        waiting = self.send("message", to=BOB)
        self.assertNoResult(waiting)
        self.assertIsNone(self.stored())
        answer.callback(None)
        self.assertIs(self.successResultOf(waiting).is_kept, True)
        self.assertEqual(self.stored(), b"value")

"""When a client's stanzas are acknowledged: an acknowledgement is a promise."""

from twisted.trial.unittest import SynchronousTestCase

from tests.services.stream_management.conversation import (
    COMMIT_S,
    JULIET,
    NS,
    ROMEO,
    Conversation,
    acks,
    bodies,
    tags,
)
from xmppd.services.stream_management.service import StreamManagement
from xmppd.storage.interface import StorageFailed
from xmppd.testing.client import Client
from xmppd.testing.server import now

REQUEST = f"<r xmlns='{NS}'/>"


class AcknowledgingTests(SynchronousTestCase):
    """Romeo writes to Juliet, who is offline; commits take their time."""

    def setUp(self) -> None:
        """Log in."""
        self.conversation = Conversation()
        self.conversation.memory.add_account(JULIET)
        self.romeo, self.sm_id = self.conversation.client(f"{ROMEO}/orchard")
        self.conversation.say(self.romeo, "first")  # so that all is read that has to be
        self.conversation.memory.clock.advance(1)
        self.conversation.slow_commits()

    def test_not_before_the_commit(self) -> None:
        """An acknowledgement leaves after the commit that holds what it acknowledges.

        promises#acknowledged-after-commit.
        """
        self.conversation.say(self.romeo, "one")
        self.romeo.send(REQUEST)
        self.assertEqual(acks(self.romeo), [])
        self.conversation.memory.clock.advance(COMMIT_S)
        self.conversation.memory.clock.advance(0)
        self.assertEqual(acks(self.romeo), [2])

    def test_one_for_a_group(self) -> None:
        """promises#acknowledged-after-commit: what one group commit has settled is acknowledged once."""
        for text in ("one", "two", "three"):
            self.conversation.say(self.romeo, text)
            self.romeo.send(REQUEST)
        self.conversation.memory.clock.advance(COMMIT_S)
        self.conversation.memory.clock.advance(0)
        self.assertEqual(acks(self.romeo), [4])

    def test_a_count_that_was_told_is_true(self) -> None:
        """What changes nothing is acknowledged behind a commit of the count: a client never hears of less again."""
        self.romeo.send(f"<presence/>{REQUEST}")
        self.assertEqual(acks(self.romeo), [])
        self.conversation.pass_time(0.2)
        self.assertEqual(acks(self.romeo), [2])
        self.assertEqual(self.conversation.recorded(ROMEO), {self.sm_id: 2})
        self.conversation.say(self.romeo, "one")
        self.romeo.send(f"<presence/>{REQUEST}")
        self.conversation.pass_time(0.3)
        self.assertEqual(acks(self.romeo), [4])
        self.assertEqual(self.conversation.recorded(ROMEO), {self.sm_id: 4})

    def test_a_count_that_needs_no_record(self) -> None:
        """A session that cannot be resumed is told at once, unless something waits for its commit."""
        self.conversation.quick_commits()
        mercutio, _ = self.conversation.client("mercutio@localhost/street", is_resumable=False)
        self.conversation.slow_commits()
        mercutio.send(f"<presence/>{REQUEST}")
        self.assertEqual(acks(mercutio), [1])
        self.conversation.say(mercutio, "one")
        mercutio.send(f"<presence/>{REQUEST}")
        self.assertEqual(acks(mercutio), [])
        self.conversation.pass_time(0.3)
        self.assertEqual(acks(mercutio), [3])

    def test_requests_while_the_count_is_being_kept(self) -> None:
        """Section 4: stanzas that change nothing, and requests behind each, are all acknowledged, however fast."""
        for number in range(50):
            self.conversation.say(self.romeo, str(number), type="headline")
            self.romeo.send(f"<r xmlns='{NS}'/>")
        self.conversation.pass_time(3 * COMMIT_S)
        self.assertEqual(acks(self.romeo)[-1], 51)

    def test_asked_again_and_again(self) -> None:
        """A request is answered by the first commit that covers it, whatever is asked behind it.

        promises#acknowledged-after-commit.
        """
        told = []
        for text in map(str, range(10)):
            self.conversation.say(self.romeo, text)
            self.romeo.send(REQUEST)
            self.conversation.memory.clock.pump([COMMIT_S / 2, 0])
            told.append(acks(self.romeo))
        self.assertEqual(told, [[]] + [[number] for number in range(2, 11)])
        self.conversation.memory.clock.pump([COMMIT_S, 0])
        self.assertEqual(acks(self.romeo), [11])
        self.conversation.pass_time(3)
        self.assertEqual(acks(self.romeo), [])

    def test_volatile_ones_behind_it(self) -> None:
        """Their count is committed behind what was asked for first, and told: one answer for each commit."""
        self.conversation.say(self.romeo, "one")
        self.romeo.send(REQUEST)
        self.romeo.send(f"<presence/>{REQUEST}" * 5)
        self.conversation.memory.clock.pump([COMMIT_S, 0])
        self.assertEqual(acks(self.romeo), [2])
        self.conversation.memory.clock.pump([COMMIT_S, 0])
        self.assertEqual(acks(self.romeo), [7])
        self.conversation.pass_time(3)
        self.assertEqual(acks(self.romeo), [])

    def test_late(self) -> None:
        """A request is answered after a second at the latest, with what is committed; the rest follows.

        promises#acknowledged-after-commit.
        """
        storage = self.conversation.memory.storage
        storage.commit_delay_s = 5.0
        self.conversation.say(self.romeo, "one")
        self.romeo.send(REQUEST)
        self.conversation.pass_time(1)
        self.assertEqual(acks(self.romeo), [1])
        self.conversation.pass_time(4.2)
        self.assertEqual(acks(self.romeo), [2])
        self.conversation.pass_time(3)
        self.assertEqual(acks(self.romeo), [])

    def test_late_again(self) -> None:
        """So is one that comes while the commit still takes its time."""
        self.conversation.memory.storage.commit_delay_s = 5.0
        self.conversation.say(self.romeo, "one")
        self.romeo.send(REQUEST)
        self.conversation.pass_time(1.5)
        self.romeo.inbox.clear()
        self.romeo.send(REQUEST)
        self.conversation.pass_time(1)
        self.assertEqual(acks(self.romeo), [1])

    def test_late_and_never(self) -> None:
        """One whose commit has failed is answered once, and nothing wakes up for it any more."""
        self.conversation.memory.storage.failing = StorageFailed("no disk")
        self.romeo.send(f"<presence/>{REQUEST}")
        self.conversation.pass_time(2)
        self.assertEqual(acks(self.romeo), [1])
        management = self.conversation.memory.server.services[StreamManagement]
        self.assertIsNone(management._rounds._pulse)

    def test_a_failed_commit(self) -> None:
        """A stanza that could not be kept is answered with resource-constraint, and counts."""
        self.conversation.memory.storage.failing = StorageFailed("no disk")
        self.conversation.say(self.romeo, "one")
        self.romeo.send(REQUEST)
        self.conversation.pass_time(1)
        self.assertEqual(tags(self.romeo), ["message", "r", "a"])
        self.assertEqual(self.conversation.recorded(ROMEO), {self.sm_id: 1})
        self.conversation.memory.storage.failing = None
        self.romeo.send(REQUEST)
        self.conversation.pass_time(0.2)
        self.assertEqual(acks(self.romeo), [2])
        self.conversation.say(self.romeo, "two")
        self.conversation.pass_time(0.2)
        self.assertEqual(self.conversation.recorded(ROMEO), {self.sm_id: 3})

    def test_the_count_is_in_the_transaction(self) -> None:
        """promises#one-transaction: one transaction holds the message and the sender's new h."""
        self.conversation.say(self.romeo, "one")
        self.assertEqual(self.conversation.recorded(ROMEO), {self.sm_id: 1})
        self.conversation.memory.clock.advance(COMMIT_S)
        self.assertEqual(self.conversation.recorded(ROMEO), {self.sm_id: 2})
        entries = now(self.conversation.memory.storage.read("inbox", JULIET))
        self.assertEqual(len(entries), 2)

    def test_the_count_never_goes_back(self) -> None:
        """What is stored lazily does not undo what a transaction that waits has counted."""
        self.conversation.say(self.romeo, "one")
        self.romeo.send("<presence/>")
        self.romeo.carrier.lose()  # type: ignore[union-attr]  # it is connected
        self.conversation.pass_time(1)
        self.assertEqual(self.conversation.recorded(ROMEO), {self.sm_id: 3})

    def test_a_stanza_that_breaks_something_counts(self) -> None:
        """What could not be handled was answered, so that it counts."""
        router = self.conversation.memory.server.router

        def broken(traffic: object) -> None:
            raise RuntimeError("a bug")

        self.patch(router, "_deliver", broken)
        self.conversation.quick_commits()
        self.romeo.send(f"<message to='{JULIET}' id='x'/>{REQUEST}")
        self.assertEqual(tags(self.romeo), ["message", "a"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)


class UncommittedTests(SynchronousTestCase):
    """How much of a session may wait for its commits, with and without stream management."""

    def _romeo(self, limits: str) -> Client:
        self.conversation = Conversation(f"[limits]\n{limits}\n")
        self.conversation.memory.add_account(JULIET)
        romeo = self.conversation.memory.logged_in(f"{ROMEO}/orchard")
        self.conversation.say(romeo, "first")
        self.conversation.memory.clock.advance(1)
        self.conversation.slow_commits()
        romeo.inbox.clear()
        return romeo

    def test_stanzas(self) -> None:
        """At most so many stanzas are uncommitted, then reading pauses; it goes on when half is done.

        promises#back-pressure.
        """
        romeo = self._romeo("uncommitted_stanzas = 4")
        romeo.send("".join(f"<message to='{JULIET}' id='{n}'><body>x</body></message>" for n in range(10)))
        storage = self.conversation.memory.storage
        self.assertEqual(storage.waiting_commits, 4)
        connection = next(iter(self.conversation.memory.factory.connections))
        self.assertTrue(connection.transport.is_paused)  # type: ignore[attr-defined]  # it is one in memory
        for _ in range(4):
            self.conversation.memory.clock.advance(COMMIT_S)
        self.assertEqual(len(now(storage.read("inbox", JULIET))), 11)
        self.assertFalse(connection.transport.is_paused)  # type: ignore[attr-defined]
        self.assertEqual(tags(romeo), [])

    def test_bytes(self) -> None:
        """promises#back-pressure: or so many bytes."""
        romeo = self._romeo("uncommitted_bytes = 1000")
        body = "x" * 600
        romeo.send(
            "".join(f"<message to='{JULIET}' id='{n}'><body>{body}</body></message>" for n in range(3))
        )
        self.assertEqual(self.conversation.memory.storage.waiting_commits, 2)
        self.conversation.pass_time(0.5)
        self.assertEqual(len(now(self.conversation.memory.storage.read("inbox", JULIET))), 4)

    def test_others_go_on(self) -> None:
        """promises#back-pressure: it is a matter of the one session."""
        romeo = self._romeo("uncommitted_stanzas = 2")
        self.conversation.quick_commits()
        nurse = self.conversation.memory.logged_in("nurse@localhost/chamber")
        mercutio = self.conversation.memory.logged_in("mercutio@localhost/street")
        self.conversation.slow_commits()
        self.conversation.say(romeo, "1", "2", "3", "4")
        self.conversation.say(mercutio, "5", to="nurse@localhost/chamber", type="headline")
        self.assertEqual(bodies(nurse), ["5"])

    def test_the_end_of_one_that_waits(self) -> None:
        """What came before the connection was lost is dealt with, paused or not."""
        romeo = self._romeo("uncommitted_stanzas = 2")
        self.conversation.say(romeo, "1", "2", "3", "4")
        romeo.carrier.lose()  # type: ignore[union-attr]  # it is connected
        self.conversation.pass_time(1)
        entries = now(self.conversation.memory.storage.read("inbox", JULIET))
        self.assertGreaterEqual(len(entries), 3)
        self.assertEqual(len(self.conversation.memory.server.registry), 0)

"""The storage contract on `MemoryStorage`, and what only that can do."""

from typing import cast

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.storage import contract
from tests.storage.contract_base import ALICE, entry
from xmppd.storage import bounds
from xmppd.storage.interface import Append, Put, StorageFailed, StorageFull
from xmppd.storage.memory import MemoryStorage

SHORT_S = 1e-6


class MemoryStorageTests(contract.AtOnceContract):
    """The contract, with commits that are made at once."""

    def setUp(self) -> None:
        """A storage that answers at once."""
        self.storage = MemoryStorage()
        self.storage.prepare()
        self.storage.start()


class DelayedMemoryStorageTests(contract.WholeContract):
    """The contract, with commits that are made in a later turn."""

    def setUp(self) -> None:
        """A storage whose commits wait."""
        self.storage = MemoryStorage(cast(IReactorTime, reactor), SHORT_S)
        self.storage.start()


class SlowMemoryStorageTests(contract.WholeContract):
    """The contract, with reads too that are answered in a later turn."""

    def setUp(self) -> None:
        """A storage that waits for everything."""
        self.storage = MemoryStorage(cast(IReactorTime, reactor), SHORT_S, SHORT_S)
        self.storage.start()


class OnlyMemoryStorageTests(SynchronousTestCase):
    """What tests use it for."""

    def setUp(self) -> None:
        """A storage whose commits take a second of a clock's time."""
        self.clock = Clock()
        self.storage = MemoryStorage(self.clock, 1.0)

    def test_a_delayed_commit_takes_effect_later(self) -> None:
        """Before its time a commit is neither seen nor answered."""
        commit = self.storage.commit(Put("s", ALICE, "", b"v"))
        self.clock.advance(0.9)
        self.assertNoResult(commit)
        self.assertIsNone(self.successResultOf(self.storage.get("s", ALICE)))
        self.clock.advance(0.2)
        self.successResultOf(commit)
        self.assertEqual(self.successResultOf(self.storage.get("s", ALICE)), b"v")

    def test_stop_leaves_no_timer(self) -> None:
        """Stopping decides at once and leaves the clock empty."""
        commit = self.storage.commit(Put("s", ALICE, "", b"v"))
        self.successResultOf(self.storage.stop())
        self.successResultOf(commit)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_failing(self) -> None:
        """While `failing` is set commits fail with it and change nothing."""
        storage = MemoryStorage()
        storage.failing = StorageFull("test")
        self.failureResultOf(storage.commit(Put("s", ALICE, "", b"v")), StorageFull)
        storage.failing = None
        self.successResultOf(storage.commit())
        self.assertIsNone(self.successResultOf(storage.get("s", ALICE)))

    def test_failing_reads(self) -> None:
        """While `failing_reads` is set reads fail with it, and commits do not."""
        storage = MemoryStorage()
        storage.failing_reads = StorageFailed("test")
        self.successResultOf(storage.commit(Put("s", ALICE, "", b"v")))
        self.failureResultOf(storage.get("s", ALICE), StorageFailed)
        self.failureResultOf(storage.read("s", ALICE, is_fresh=True), StorageFailed)
        storage.failing_reads = None
        self.assertEqual(self.successResultOf(storage.get("s", ALICE)), b"v")

    def test_a_delayed_read_gives_what_was_there(self) -> None:
        """A slow read is answered with what it saw when it began, be it changed meanwhile; the delay may be changed."""
        self.storage.commit_delay_s, self.storage.read_delay_s = 0.0, 1.0
        early = self.storage.get("s", ALICE)
        self.storage.commit(Put("s", ALICE, "", b"v"))
        late = self.storage.get("s", ALICE)
        self.clock.advance(0.9)
        self.assertNoResult(early)
        self.clock.advance(0.2)
        self.assertIsNone(self.successResultOf(early))
        self.assertEqual(self.successResultOf(late), b"v")
        self.storage.read_delay_s = 0.0
        self.assertEqual(self.successResultOf(self.storage.get("s", ALICE)), b"v")

    def test_stop_answers_reads(self) -> None:
        """Stopping answers who waits, even one who has given up."""
        self.storage.read_delay_s = 1.0
        read, given_up = self.storage.get("s", ALICE), self.storage.get("s", ALICE)
        given_up.addErrback(lambda _: None).cancel()
        self.successResultOf(self.storage.stop())
        self.assertIsNone(self.successResultOf(read))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_commits_stay_in_order_when_the_delay_goes(self) -> None:
        """A commit without a delay does not overtake one that has it."""
        told: list[int] = []
        self.storage.submit([Put("s", ALICE, "", b"1")], lambda _: told.append(1))
        self.storage.commit_delay_s = 0.0
        self.storage.submit([Put("s", ALICE, "", b"2")], lambda _: told.append(2))
        self.assertEqual((told, self.storage.waiting_commits), ([], 2))
        self.clock.advance(2)
        self.assertEqual(told, [1, 2])
        self.assertEqual(self.successResultOf(self.storage.get("s", ALICE)), b"2")

    def test_killed(self) -> None:
        """What was committed is found by the next server, and what waited is lost; the two go on apart."""
        self.storage.commit(Put("s", ALICE, "", b"1"), Append("s", ALICE, entry(1)))
        self.clock.advance(1)
        self.storage.commit(Put("s", ALICE, "", b"2"))
        left = self.storage.killed()
        self.clock.advance(1)
        self.successResultOf(left.commit(Append("s", ALICE, entry(2))))
        self.assertEqual(self.successResultOf(left.get("s", ALICE)), b"1")
        self.assertEqual(self.successResultOf(self.storage.get("s", ALICE)), b"2")
        self.assertEqual(self.successResultOf(self.storage.count("s", ALICE)), 1)
        one, two = self.successResultOf(left.read("s", ALICE))
        self.assertGreater(two.seq, one.seq)

    def test_a_delay_needs_a_clock(self) -> None:
        """Without a clock there is no later."""
        with self.assertRaises(ValueError):
            MemoryStorage(commit_delay_s=1.0)
        with self.assertRaises(ValueError):
            MemoryStorage(read_delay_s=1.0)

    def test_beyond_its_bound_the_backlog_takes_nothing(self) -> None:
        """Who does not heed the back-pressure is refused in the end."""
        self.patch(bounds, "REFUSE_CHANGES", 10)
        taken = [self.storage.commit(Put("s", ALICE, "", b"v"), Put("s", ALICE, "", b"w")) for _ in range(5)]
        self.failureResultOf(self.storage.commit(Put("s", ALICE, "", b"v")), StorageFull)
        self.clock.advance(2)
        for commit in taken:
            self.successResultOf(commit)
        self.assertEqual(self.storage.backlog, 0)

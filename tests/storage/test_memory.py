"""The storage contract on `MemoryStorage`, and what only that can do."""

from typing import cast

from twisted.internet import reactor
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.storage import contract
from tests.storage.contract import ALICE
from xmppd.storage import bounds
from xmppd.storage.interface import Put, StorageFull
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

    def test_a_delay_needs_a_clock(self) -> None:
        """Without a clock there is no later."""
        with self.assertRaises(ValueError):
            MemoryStorage(commit_delay_s=1.0)

    def test_beyond_its_bound_the_backlog_takes_nothing(self) -> None:
        """Who does not heed the back-pressure is refused in the end."""
        self.patch(bounds, "REFUSE_CHANGES", 10)
        taken = [self.storage.commit(Put("s", ALICE, "", b"v"), Put("s", ALICE, "", b"w")) for _ in range(5)]
        self.failureResultOf(self.storage.commit(Put("s", ALICE, "", b"v")), StorageFull)
        self.clock.advance(2)
        for commit in taken:
            self.successResultOf(commit)
        self.assertEqual(self.storage.backlog, 0)

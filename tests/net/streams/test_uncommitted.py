"""How much of a stream may wait for its commits."""

from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.limits import Limits
from xmppd.core.commits import Commit
from xmppd.core.events import Traffic
from xmppd.net.streams.uncommitted import Uncommitted
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Change, Delete, StorageError, StorageFailed

EMPTY = "<message><body></body></message>"


class FakeStorage:
    """A storage of which so much waits as a test says."""

    def __init__(self) -> None:
        self.is_full = False
        self.waiting: list[Deferred[None]] = []

    def when_roomy(self) -> Deferred[None]:
        """Give what the test fires."""
        self.waiting.append(Deferred())
        return self.waiting[-1]


class FakeLedger:
    """A ledger that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[bool] = []

    def decided(self, is_kept: bool) -> None:
        """Keep it."""
        self.told.append(is_kept)


class UncommittedTests(SynchronousTestCase):
    """Bounds of four stanzas and a thousand bytes."""

    def setUp(self) -> None:
        """Make one of its own for each test."""
        self.storage = FakeStorage()
        self.ledger = FakeLedger()
        limits = Limits(uncommitted_stanzas=4, uncommitted_bytes=1000)
        self.uncommitted = Uncommitted(cast(Any, self.storage), lambda: limits)
        self.commits: list[Commit] = []
        self.refused: list[StorageError] = []
        self.went_on = 0

    def add(self, size_bytes: int = 40) -> bool:
        """Let one more wait."""
        self.commits.append(self.commit(size_bytes, Delete("store", "a@a", "key")))
        return self.uncommitted.add(self.commits[-1], cast(Any, self.ledger), self.go_on)

    def commit(self, size_bytes: int, *changes: Change, id: str | None = None) -> Commit:
        """Make one of a stanza of that size, without its attributes."""
        inner = b"<body>" + b"x" * (size_bytes - len(EMPTY)) + b"</body>"
        stanza = Stanza.make("message", inner, id=id)
        traffic = Traffic(stanza, JID.parse("a@a"), JID.parse("b@a"), None)
        traffic.changes.extend(changes)
        return Commit(traffic, lambda error, traffic: self.refused.append(error))

    def go_on(self) -> None:
        """Count."""
        self.went_on += 1

    def test_stanzas(self) -> None:
        """At the bound the stream waits, until half is done."""
        self.assertEqual([self.add() for _ in range(4)], [False, False, False, True])
        self.commits[0].decided(None)
        self.assertEqual(self.went_on, 0)
        self.commits[1].decided(None)
        self.assertEqual((self.went_on, self.uncommitted.is_full), (1, False))
        self.commits[2].decided(None)
        self.assertEqual(self.went_on, 1)

    def test_bytes(self) -> None:
        """The same for their size; a stanza larger than the bound passes alone."""
        self.assertTrue(self.add(5_000))
        self.commits[0].decided(None)
        self.assertEqual(self.went_on, 1)

    def test_long_tags(self) -> None:
        """promises#back-pressure: attributes count as content does."""
        self.assertTrue(self.uncommitted.add(self.commit(40, id="x" * 1000), None, self.go_on))

    def test_decided_at_once(self) -> None:
        """What needs no waiting makes nobody wait."""
        done = self.commit(5_000)
        done.decided(None)
        self.assertFalse(self.uncommitted.add(done, None, self.go_on))

    def test_a_failed_commit(self) -> None:
        """The ledger hears of it, and the sender."""
        self.add()
        error = StorageFailed("no disk")
        self.commits[0].decided(error)
        self.assertEqual((self.ledger.told, self.refused), ([False], [error]))

    def test_nothing_for_the_storage(self) -> None:
        """A commit that is held back, and may never be needed there, does not wait for its room."""
        self.storage.is_full = True
        self.assertFalse(self.uncommitted.add(self.commit(40), None, self.go_on))

    def test_far_too_much_waits_for_the_storage(self) -> None:
        """Back-pressure to the sender; it goes on when there is room, and waits again where there is not.

        promises#back-pressure.
        """
        self.storage.is_full = True
        self.assertTrue(self.add())
        self.commits[0].decided(None)
        self.assertEqual(self.went_on, 0)
        self.assertEqual(len(self.storage.waiting), 1)
        self.storage.waiting[0].callback(None)
        self.assertEqual((self.went_on, len(self.storage.waiting)), (0, 2))
        self.storage.is_full = False
        self.storage.waiting[1].callback(None)
        self.assertEqual(self.went_on, 1)

"""Memories with a bound."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.bounded import Bounded, BoundedBySize


class BoundedTests(SynchronousTestCase):
    """`Bounded`, with room for three."""

    def setUp(self) -> None:
        """Three items."""
        self.memory: Bounded[str, int] = Bounded(3)
        for number, key in enumerate("abc"):
            self.assertIsNone(self.memory.keep(key, number))

    def test_the_oldest_goes(self) -> None:
        """One more, and the one kept longest ago is given back; to look at it changes nothing."""
        self.assertEqual((self.memory["a"], self.memory.get("a"), "a" in self.memory), (0, 0, True))
        self.assertEqual(self.memory.keep("d", 3), ("a", 0))
        self.assertEqual(list(self.memory.items()), [("b", 1), ("c", 2), ("d", 3)])

    def test_kept_again(self) -> None:
        """What is kept again has another value, is the newest, and drives nobody out."""
        self.assertIsNone(self.memory.keep("a", 9))
        self.assertEqual(self.memory.keep("d", 3), ("b", 1))
        self.assertEqual(self.memory["a"], 9)

    def test_used(self) -> None:
        """What is used is the newest; what is not there is not made."""
        self.assertEqual(self.memory.use("a"), 0)
        self.assertIsNone(self.memory.use("z"))
        self.assertEqual(self.memory.keep("d", 3), ("b", 1))
        self.assertNotIn("z", self.memory)

    def test_one_at_least(self) -> None:
        """A bound of nothing is one of one."""
        memory: Bounded[str, int] = Bounded(0)
        memory.keep("a", 1)
        self.assertEqual(memory.keep("b", 2), ("a", 1))

    def test_spared(self) -> None:
        """What is at work stays, and the oldest of the others goes; where all are at work there is one more."""
        memory: Bounded[str, int] = Bounded(2, lambda value: value > 0)
        memory.keep("busy", 1)
        memory.keep("idle", 0)
        self.assertEqual(memory.keep("c", 2), ("idle", 0))
        self.assertIsNone(memory.keep("d", 0))
        self.assertEqual(list(memory), ["busy", "c", "d"])

    def test_many(self) -> None:
        """However much is kept, no more than the bound is there."""
        for number in range(1_000):
            self.memory.keep(str(number), number)
        self.assertEqual(list(self.memory.values()), [997, 998, 999])


class BoundedBySizeTests(SynchronousTestCase):
    """`BoundedBySize`, with room for 10."""

    def setUp(self) -> None:
        """Three items of 3."""
        self.memory: BoundedBySize[str, str] = BoundedBySize(10)
        for key in "abc":
            self.memory.keep(key, key.upper(), 3)

    def left(self) -> str:
        """What is there."""
        return "".join(key for key in "abcdef" if key in self.memory)

    def test_the_oldest_go(self) -> None:
        """As many as are needed; another size of the same is counted once."""
        self.memory.keep("d", "D", 5)
        self.assertEqual((self.left(), self.memory.size), ("cd", 8))
        self.memory.keep("d", "D", 7)
        self.assertEqual((self.left(), self.memory.size, len(self.memory)), ("cd", 10, 2))

    def test_used(self) -> None:
        """What is used is the newest; what is looked at is not."""
        self.assertEqual((self.memory.use("a"), self.memory.get("b"), self.memory.use("z")), ("A", "B", None))
        self.memory.keep("d", "D", 3)
        self.assertEqual(self.left(), "acd")

    def test_too_large(self) -> None:
        """What is larger than the bound drives out all and is not kept."""
        self.memory.keep("d", "D", 11)
        self.assertEqual((self.left(), self.memory.size), ("", 0))

    def test_forget(self) -> None:
        """What is forgotten counts no more; what was not there changes nothing."""
        self.memory.forget("a")
        self.memory.forget("a")
        self.assertEqual((self.left(), self.memory.size, self.memory.get("a")), ("bc", 6, None))
        self.memory.drop_oldest()
        self.assertEqual((self.left(), self.memory.size), ("c", 3))
        self.memory.clear()
        self.assertEqual((len(self.memory), self.memory.size), (0, 0))

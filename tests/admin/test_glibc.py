"""What malloc has handed out, and giving back what it has not."""

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from xmppd.admin import glibc
from xmppd.admin.glibc import Memory, count, trim

PIECE_BYTES = 100_000
"""Less than what malloc maps by itself, and would give back by itself."""
PIECES = 200
MOST_BYTES = PIECES * PIECE_BYTES
MUCH_BYTES = MOST_BYTES * 3 // 4


def unused_bytes() -> int:
    """Give what is resident and not handed out."""
    memory = count()
    return memory.resident_bytes - memory.used_bytes


class GlibcTests(SynchronousTestCase):
    """`count` and `trim`."""

    def test_what_is_freed_stays_until_it_is_trimmed(self) -> None:
        """Something behind it is enough to hold it."""
        if count() == Memory(0, 0, 0):
            raise SkipTest("this is no glibc of 2.33 or later")
        pieces = [(b"x" * PIECE_BYTES, b"y" * PIECE_BYTES) for _ in range(PIECES)]
        before = unused_bytes()
        behind = [piece for _, piece in pieces]
        del pieces
        freed = unused_bytes()
        self.assertGreater(freed, before + MUCH_BYTES)
        trim()
        self.assertLess(unused_bytes(), freed - MUCH_BYTES)
        self.assertEqual(len(behind), PIECES)

    def test_elsewhere(self) -> None:
        """There is nothing to ask, and nothing to do."""
        self.patch(glibc, "_MALLINFO", None)
        self.patch(glibc, "_MALLOC_TRIM", None)
        self.assertEqual(count(), Memory(0, 0, 0))
        trim()

    def test_where_the_system_does_not_say_what_is_resident(self) -> None:
        """What is handed out alone is of no use."""
        self.patch(glibc, "resident_bytes", lambda: None)
        self.assertEqual(count(), Memory(0, 0, 0))

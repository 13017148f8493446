"""The memory that dicts and sets take."""

import sys

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.shrink import shrink


class ShrinkTests(SynchronousTestCase):
    """`shrink`."""

    def test_what_is_held_stays(self) -> None:
        """The same objects, in the same order, smaller than they were."""
        row = dict.fromkeys(range(5_000))
        members = set(row)
        for number in range(4_990):
            del row[number]
            members.discard(number)
        full = sys.getsizeof(row) + sys.getsizeof(members)
        shrink(row, members)
        self.assertEqual((list(row), members), (list(range(4_990, 5_000)), set(range(4_990, 5_000))))
        self.assertLess(sys.getsizeof(row) + sys.getsizeof(members), full // 20)

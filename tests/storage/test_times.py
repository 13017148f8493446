"""Finding times in a box by bisection."""

import sqlite3
from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from xmppd.storage.sqlite.schema import STEPS
from xmppd.storage.sqlite.times import first_after, last_before

BOX = 7
Gaps = st.lists(st.integers(1, 9), max_size=20)
"""How far each entry's seq is from the one before: other boxes have the rest."""


def box_of(seqs: list[int], times: list[float]) -> sqlite3.Connection:
    """A database whose box has these entries, among those of another."""
    connection = sqlite3.connect(":memory:")
    connection.executescript("".join(step for step in STEPS if isinstance(step, str)))
    insert = "INSERT INTO entry (seq, box, sent_at, extra, stanza) VALUES (?, ?, ?, x'', x'')"
    connection.executemany(insert, [(seq, BOX, at) for seq, at in zip(seqs, times, strict=True)])
    others = set(range(max(seqs, default=0) + 3)) - set(seqs)
    connection.executemany(insert, [(seq, BOX + 1, 0.0) for seq in others])
    return connection


def skew_of(times: list[float]) -> float:
    """By how much an entry was ever sent before an older one."""
    return max((newest - at for newest, at in zip(accumulate(times, max), times, strict=True)), default=0.0)


class TimesTests(SynchronousTestCase):
    """`last_before` and `first_after`."""

    @settings(max_examples=100)
    @given(Gaps, st.data())
    def test_in_order(self, gaps: list[int], data: st.DataObject) -> None:
        """Where clocks never step back the bounds are exact."""
        seqs = list(accumulate(gaps))
        times = sorted(data.draw(st.lists(st.integers(0, 9), min_size=len(seqs), max_size=len(seqs))))
        connection = box_of(seqs, [float(at) for at in times])
        bound = data.draw(st.integers(-1, 10))
        before, after = last_before(connection, BOX, 0.0, bound), first_after(connection, BOX, 0.0, bound)
        placed = list(zip(seqs, times, strict=True))
        self.assertEqual([at < bound for _, at in placed], [seq <= before for seq, _ in placed])
        self.assertEqual([at > bound for _, at in placed], [seq >= after for seq, _ in placed])

    @settings(max_examples=100)
    @given(Gaps, st.data())
    def test_out_of_order(self, gaps: list[int], data: st.DataObject) -> None:
        """Whatever clocks did, nothing that is wanted lies beyond the bounds."""
        seqs = list(accumulate(gaps))
        drawn = data.draw(st.lists(st.integers(0, 9), min_size=len(seqs), max_size=len(seqs)))
        times = [float(at) for at in drawn]
        connection = box_of(seqs, times)
        skew, bound = skew_of(times), data.draw(st.integers(-1, 10))
        before, after = last_before(connection, BOX, skew, bound), first_after(connection, BOX, skew, bound)
        for seq, at in zip(seqs, times, strict=True):
            self.assertTrue(seq > before or at < bound)
            self.assertTrue(seq < after or at > bound)

    def test_few_looks(self) -> None:
        """A box of very many entries is not searched through."""
        connection = box_of(list(range(1, 5_001)), [float(number) for number in range(5_000)])
        looks: list[str] = []
        connection.set_trace_callback(looks.append)
        self.assertEqual(last_before(connection, BOX, 0.0, 1_234.0), 1_234)
        self.assertLess(len(looks), 20)

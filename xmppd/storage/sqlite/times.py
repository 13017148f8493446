"""Where a time lies in a box: found by bisection, since an index of times would cost each entry another insertion.

Entries are ordered by seq. Where clocks never step back that is the order of their times too; a box's *skew* is by how
many seconds it ever departed from that: an entry was sent at most *skew* before any entry with a smaller seq.
"""

import sqlite3
from collections.abc import Callable

_ROUNDING_S = 0.001
_LEAST = "SELECT min(seq) FROM entry INDEXED BY entry_box WHERE box = ?"
_GREATEST = "SELECT max(seq) FROM entry INDEXED BY entry_box WHERE box = ?"
_NEXT = "SELECT seq, sent_at FROM entry INDEXED BY entry_box WHERE box = ? AND seq > ? AND seq < ? ORDER BY seq LIMIT 1"


def last_before(connection: sqlite3.Connection, box: int, skew: float, start: float) -> int:
    """A seq up to which all merged entries were sent before *start*: the last such, if the skew is 0."""
    slack = _slack(skew)
    return _divide(connection, box, lambda sent_at: sent_at + slack < start)[0]


def first_after(connection: sqlite3.Connection, box: int, skew: float, end: float) -> int:
    """A seq from which on all merged entries were sent after *end*: the first such, if the skew is 0."""
    slack = _slack(skew)
    return _divide(connection, box, lambda sent_at: sent_at - slack <= end)[1]


def _slack(skew: float) -> float:
    return skew + _ROUNDING_S if skew else 0.0


def _divide(connection: sqlite3.Connection, box: int, is_left: Callable[[float], bool]) -> tuple[int, int]:
    """The seq of an entry that is left (or one below all), and one behind which the next entry is not left."""
    (least,) = connection.execute(_LEAST, (box,)).fetchone()
    if least is None:
        return 0, 1
    (greatest,) = connection.execute(_GREATEST, (box,)).fetchone()
    left, right = least - 1, greatest + 1
    while left + 1 < right:
        middle = (left + right - 1) // 2
        row = connection.execute(_NEXT, (box, middle, right)).fetchone()
        if row is not None and is_left(row[1]):
            left = row[0]
        else:
            right = middle + 1
    return left, right

"""Multi-row statements.

Each step of SQLite gives up the interpreter's lock and has to win it back from the reactor, so what counts is
the number of statements, not of rows.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

Value = str | int | float | bytes | None

ROWS = (50, 20, 10, 5, 2, 1)
"""The sizes of multi-row statements: few, so that each is compiled once."""


def many(head: str, row: str, tail: str = "") -> dict[int, str]:
    """The text of a statement for each of `ROWS`."""
    return {count: f"{head} {', '.join([row] * count)} {tail}".rstrip() for count in ROWS}


def run_many(
    connection: sqlite3.Connection,
    texts: Mapping[int, str],
    rows: Sequence[tuple[Value, ...]],
    first: tuple[Value, ...] = (),
) -> list[tuple[Any, ...]]:
    """Execute one of *texts* for as many *rows* as fit, and again until all are done; give what they answer.

    *first* are the parameters before those of the rows.
    """
    start, found = 0, list[tuple[Any, ...]]()
    for size in ROWS:
        while len(rows) - start >= size:
            parameters = [*first, *chain.from_iterable(rows[start : start + size])]
            found += connection.execute(texts[size], parameters)
            start += size
    return found

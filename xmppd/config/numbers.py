"""Whole numbers beyond all that a server can count: neither a database nor a clock could take them."""

import re
from collections.abc import Iterator

from xmppd.config.findings import Finding
from xmppd.config.lines import Path
from xmppd.config.problems import Problem
from xmppd.config.schema import dotted
from xmppd.config.source import Source

MOST = 1_000_000_000_000_000
"""Exact as a float too, and as a number of seconds, bytes or anything else never meant."""

_MOST_DIGITS = 4_000
"""Python reads some more of them, and then none."""
_ENDLESS = re.compile(rf"[0-9_]{{{_MOST_DIGITS},}}")


def line_of_endless(text: str) -> int | None:
    """Give the line of a number that is too long to be read at all; None where there is none."""
    match = _ENDLESS.search(text)
    return None if match is None else text.count("\n", 0, match.start()) + 1


def huge_numbers(value: object, source: Source, here: Path = ()) -> Iterator[Problem]:
    """Find them in nested tables and arrays."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from huge_numbers(below, source, (*here, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from huge_numbers(below, source, (*here, index))
    elif isinstance(value, int) and abs(value) > MOST:
        why = f"numbers end at {MOST:_}"
        remedy = "write a smaller number, or remove the line"
        yield here, Finding("config.out-of-range", "error", source.place(here), dotted(here), why, remedy)

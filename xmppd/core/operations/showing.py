"""How results are shown to people: lines and tables of typed cells. A terminal and a form each write them their way."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

UNKNOWN: Final = "-"


class Moment(NamedTuple):
    """A time, as an ISO 8601 stamp with its zone."""

    stamp: str


class Line:
    """A sentence; times in it are written as the reader wants them."""

    __slots__ = ("parts",)

    def __init__(self, *parts: str | Moment) -> None:
        self.parts = parts

    def write(self, time: Callable[[str], str]) -> str:
        """Give its text; *time* writes stamps."""
        return "".join(time(part.stamp) if isinstance(part, Moment) else part for part in self.parts)


Cell = str | int | bool | Moment | Line | None
"""A truth is shown as yes or no, a number stands on the right, None is empty."""


class Facts(NamedTuple):
    """What there is to know of one thing: labels and what they stand for."""

    pairs: tuple[tuple[str, Cell], ...]


class Grid(NamedTuple):
    """A table."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The columns with numbers only."""
        columns = enumerate(zip(*self.rows, strict=True))
        return tuple(index for index, cells in columns if all(type(cell) is int for cell in cells))


Block = Line | Facts | Grid


def written(cell: Cell, time: Callable[[str], str]) -> str:
    """Give the text of a cell; *time* writes stamps."""
    if isinstance(cell, Line):
        return cell.write(time)
    if isinstance(cell, Moment):
        return time(cell.stamp)
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return "" if cell is None else f"{cell:,}" if isinstance(cell, int) else cell


Row = Mapping[str, Any]
_OfRow = Callable[[Any], Cell]
_Shows = Callable[[Any, Mapping[str, object]], Iterable[Block]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, and how its cell comes out of a row."""

    heading: str
    of_row: _OfRow


Heading = str | Callable[[str], Column]
"""How a key is shown: under a heading as it is, or in a column that is made for it."""


def moment(heading: str) -> Callable[[str], Column]:
    """Give a column of times; what is None there is empty."""

    def column(key: str) -> Column:
        return Column(heading, lambda row: Moment(row[key]) if row.get(key) else None)

    return column


def computed(heading: str, of_row: _OfRow) -> Callable[[str], Column]:
    """Give a column whose cells come out of the whole row."""
    return lambda key: Column(heading, of_row)


def table(empty: str, **columns: Heading) -> _Shows:
    """Show a list of rows as a table; *columns* are headings by key. *empty* is said where there is none.

    It is filled in from the arguments.
    """
    show = rows(**columns)

    def shows(result: Sequence[Row], args: Mapping[str, object]) -> Iterable[Block]:
        return [show(result)] if result else [Line(empty.format_map(args))]

    return shows


def rows(**columns: Heading) -> Callable[[Sequence[Row]], Grid]:
    """Give what makes such a table out of rows, however many there are."""
    made = [_plain(key, how) if isinstance(how, str) else how(key) for key, how in columns.items()]
    headings = tuple(column.heading for column in made)
    return lambda found: Grid(headings, tuple(tuple(column.of_row(row) for column in made) for row in found))


def line(text: str) -> _Shows:
    """Show a result as a sentence, filled in from the arguments and the result."""
    return lambda result, args: [Line(text.format_map({**args, **result}))]


def nothing(result: object, args: Mapping[str, object]) -> Iterable[Block]:
    """Show nothing."""
    return ()


def count(number: int, one: str, many: str | None = None) -> str:
    """Write a number with its noun: ``1 session``, ``2 sessions``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _plain(key: str, heading: str) -> Column:
    return Column(heading, lambda row: _cell(row.get(key)))


def _cell(value: object) -> Cell:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value if value is None or isinstance(value, str | int) else str(value)

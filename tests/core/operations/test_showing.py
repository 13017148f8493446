"""Lines and tables of typed cells."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.operations.showing import (
    Facts,
    Grid,
    Line,
    Moment,
    computed,
    count,
    line,
    moment,
    table,
    written,
)


def written_year(stamp: str) -> str:
    """Write a time, for a test."""
    return stamp[:4]


class ShowingTests(SynchronousTestCase):
    """`table`, `line`, `written`."""

    def test_table(self) -> None:
        """A row a record: times, numbers, lists and what is computed of the whole row."""
        show = table(
            "no {what}",
            name="Name",
            since=moment("Since"),
            number="Number",
            all="All",
            both=computed("Both", lambda row: f"{row['name']}/{row['number']}"),
        )
        row = {"name": "a", "since": "2026-01-02T03:04:05+00:00", "number": 1_234, "all": ["x", "y"]}
        (grid,) = show([row, {**row, "since": None, "number": 7}], {})
        assert isinstance(grid, Grid)
        self.assertEqual(grid.headings, ("Name", "Since", "Number", "All", "Both"))
        self.assertEqual(grid.numbers, (2,))
        cells = [[written(cell, written_year) for cell in cells] for cells in grid.rows]
        self.assertEqual(cells, [["a", "2026", "1,234", "x, y", "a/1234"], ["a", "", "7", "x, y", "a/7"]])

    def test_empty_table(self) -> None:
        """Where there is nothing that is said, in the words of what was asked."""
        (said,) = table("no {what}", name="Name")([], {"what": "rooms"})
        assert isinstance(said, Line)
        self.assertEqual(said.write(written_year), "no rooms")

    def test_line(self) -> None:
        """A sentence out of what was asked and what came of it; the latter holds."""
        (said,) = line("{room} left by {nick}")({"room": "a@b"}, {"room": "a", "nick": "{x}"})
        assert isinstance(said, Line)
        self.assertEqual(said.write(written_year), "a@b left by {x}")

    def test_cells(self) -> None:
        """A truth in words; times within a sentence; nothing is nothing."""
        sentence = Line("since ", Moment("2026-01-02"), "!")
        cells = True, False, None, 1_000, "x", sentence
        self.assertEqual(
            [written(cell, written_year) for cell in cells], ["yes", "no", "", "1,000", "x", "since 2026!"]
        )
        self.assertEqual(Facts((("a", 1),)).pairs, (("a", 1),))

    def test_count(self) -> None:
        """A number with its noun."""
        self.assertEqual(
            [count(1, "day"), count(2_000, "day"), count(2, "box", "boxes")],
            ["1 day", "2,000 days", "2 boxes"],
        )

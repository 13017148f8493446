"""The line index against ``tomllib``: every key that a text has is found on a line where it stands."""

import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.lines import LineIndex, Path

EXAMPLE = '''\
# [not.a.table]
top = 1
text = """
[nor.this] = 5
a = "b" \\""" still inside"""""  # = [x]
lines = \'\'\'
b = 2
\'\'\'
"quoted.key" = "["
'literal "key"' = ']'
"\\u00e9" = 1
dotted . "inner x" .leaf = true
array = [
    "one", # [comment
    [1,
     2],
    { in_table = { deep = 3 } },
]
date = 1979-05-27 07:32:00
empty = ""
[ a . b ]
c = 5
[[many]]
x = 1
[[many]]
x = 2
[many.sub]
y = 3
[[many.rows]]
z = 4
[a]
d = 6
'''

LINES: list[tuple[Path, int | None]] = [
    (("not",), None),
    (("top",), 2),
    (("text",), 3),
    (("nor",), None),
    (("a",), 31),
    (("lines",), 6),
    (("b",), None),
    (("quoted.key",), 9),
    (('literal "key"',), 10),
    (("é",), 11),
    (("dotted",), 12),
    (("dotted", "inner x", "leaf"), 12),
    (("array",), 13),
    (("array", 0), 14),
    (("array", 1), 15),
    (("array", 1, 1), 16),
    (("array", 2, "in_table", "deep"), 17),
    (("date",), 19),
    (("empty",), 20),
    (("a", "b"), 21),
    (("a", "b", "c"), 22),
    (("many",), 23),
    (("many", 0), 23),
    (("many", 0, "x"), 24),
    (("many", 1), 25),
    (("many", 1, "x"), 26),
    (("many", 1, "sub", "y"), 28),
    (("many", 1, "rows", 0, "z"), 30),
    (("a", "d"), 32),
]

SCALARS = st.sampled_from(
    [
        "1",
        "true",
        "-1.5e3",
        "1979-05-27 07:32:00Z",
        '"plain"',
        '""',
        "''",
        '"esc \\" [x] \\\\"',
        "'lit # = \"'",
        '"""\n[table]\nkey = 1\n"""',
        '"""five"""""',
        '"""\\""" \\\n   x"""',
        "'''\nb = '' [\n'''",
        "''''four''''",
        '""""""',
    ]
)
KEY_ENDS = st.sampled_from(["", "-x", ".y", " z", "é", "#", "=", "[", '"', "\\", "'"])
GAPS = st.sampled_from(["", "\n", "# note = [\n", "\r\n"])


class Writer:
    """Writes a random TOML document; each key has a number, so that it is the only one of its spelling."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.count = 0

    def key(self) -> str:
        """Draw a key in one of its spellings."""
        self.count += 1
        name = f"k{self.count}{self.draw(KEY_ENDS)}"
        if name.isascii() and name.replace("-", "").isalnum() and self.draw(st.booleans()):
            return name
        if "'" not in name and self.draw(st.booleans()):
            return f"'{name}'"
        return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def value(self, depth: int) -> str:
        """Draw a scalar, an array or an inline table."""
        kind = self.draw(st.integers(0, 4 if depth else 2))
        if kind < 3:
            return self.draw(SCALARS)
        items = range(self.draw(st.integers(0, 3)))
        if kind == 3:
            gap = self.draw(GAPS)
            body = ("," + gap + " ").join(self.value(depth - 1) for _ in items)
            return f"[{gap}{body}{gap}]"
        return "{ " + ", ".join(self.pair(depth - 1) for _ in items) + " }"

    def pair(self, depth: int) -> str:
        """Draw a key, dotted or not, with its value."""
        keys = " . ".join(self.key() for _ in range(self.draw(st.integers(1, 2))))
        return f"{keys} = {self.value(depth)}"

    def table(self, header: str, depth: int) -> Iterator[str]:
        """Draw the pairs of a table and the tables below it."""
        for _ in range(self.draw(st.integers(0, 3))):
            yield self.pair(2) + self.draw(st.sampled_from(["", " # = [x]", "\n"]))
        for _ in range(self.draw(st.integers(0, 2)) if depth else 0):
            below = f"{header}{self.key()}"
            if self.draw(st.booleans()):
                yield f"[ {below} ]"
                yield from self.table(below + ".", depth - 1)
                continue
            for _ in range(self.draw(st.integers(1, 2))):
                yield f"[[{below}]]"
                yield from self.table(below + ".", depth - 1)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """TOML texts of every form of key and value."""
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return end.join(Writer(draw).table("", 2)) + end


def paths(value: Any, above: Path = ()) -> Iterator[Path]:
    """Every path that a parsed document has."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in below:
        yield (*above, key)
        yield from paths(inner, (*above, key))


class LineIndexTests(SynchronousTestCase):
    """Fixed examples, and the property over generated documents."""

    def test_example(self) -> None:
        """Every form of key and value that TOML 1.0 knows is found on its line."""
        tomllib.loads(EXAMPLE)
        index = LineIndex.of(EXAMPLE)
        for path, line in LINES:
            self.assertEqual(index.exact(path), line, path)

    def test_nearest(self) -> None:
        """A path that the text does not have is placed at the table around it."""
        index = LineIndex.of(EXAMPLE)
        self.assertEqual(index.nearest(("a", "b", "absent")), 21)
        self.assertEqual(index.nearest(("array", 7)), 13)
        self.assertIsNone(index.nearest(("absent", "c")))
        self.assertIsNone(index.nearest(()))

    def test_no_toml(self) -> None:
        """A text that is no TOML gives what came before the mistake, and no exception."""
        for text in (
            "a = 1\nb = [1",
            'a = 1\n"',
            "a = 1\n[b",
            "a = 1\n= 2",
            "a = 1\nb = '",
            'a = 1\n"\\q" = 1',
        ):
            self.assertEqual(LineIndex.of(text).exact(("a",)), 1, text)
        self.assertIsNone(LineIndex.of("a = " + "[" * 100_000).exact(("b",)))

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(documents())
    def test_every_key_has_its_line(self, text: str) -> None:
        """Each path that tomllib gives has a line, and the key's text stands on it."""
        index, lines = LineIndex.of(text), text.split("\n")
        for path in paths(tomllib.loads(text)):
            line = index.exact(path)
            assert line is not None, path
            key = path[-1]
            if isinstance(key, str):
                spelled = key.replace("\\", "\\\\").replace('"', '\\"')
                self.assertTrue(key in lines[line - 1] or spelled in lines[line - 1], (path, line))

"""Values of Lua: read as data, whatever stands there."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from xmppd.moving.lua import MAX_DEPTH, array, raw, read_items, read_value


class ValueTests(SynchronousTestCase):
    """One value."""

    def test_a_table_as_prosody_writes_it(self) -> None:
        """Keys of several kinds, values without keys, escapes in decimal."""
        data = rb"""return {
        [false] = { ["version"] = 7; ["pending"] = {}; };
        ["jos\195\169@a.example"] = { "one"; "two"; ["subscription"] = "both"; ["n"] = -1.5e3; };
        plain = true; [3] = nil;
};
"""
        self.assertEqual(
            read_value(data),
            {
                False: {"version": 7, "pending": {}},
                "josé@a.example": {1: "one", 2: "two", "subscription": "both", "n": -1500.0},
                "plain": True,
                3: None,
            },
        )

    def test_escapes(self) -> None:
        """All that Lua has, and what is no UTF-8 comes back as the bytes that it was."""
        self.assertEqual(read_value(rb'"a\n\t\\\"\'\065\x42\z   c"'), "a\n\t\\\"'ABc")
        self.assertEqual(raw(read_value(rb'"\255\000"')), b"\xff\0")

    def test_what_is_no_data(self) -> None:
        """Programs, broken tables and what stands behind a value are refused."""
        for data in (
            b"os.execute('rm')",
            b"return os.exit()",
            b"{ [",
            b'{ ["a" = 1 }',
            b'{ ["a"] = }',
            b"{",
            b"{} {}",
            b"function() end",
            b'"open',
            b"",
            b"{" * (MAX_DEPTH + 1),
        ):
            self.assertRaises(ValueError, read_value, data)

    def test_array(self) -> None:
        """What has no key, in order, up to the first that is missing."""
        self.assertEqual(list(array(read_value(b'{ "a"; x = 1; "b"; [4] = "d" }'))), ["a", "b"])

    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Whatever a string has comes back from how Prosody writes it."""
        data = b"".join(
            bytes((byte,)) if 32 <= byte < 127 and byte not in b"\"'\\" else b"\\%03d" % byte
            for byte in text.encode("utf-8", "surrogatepass")
        )
        self.assertEqual(raw(read_value(b'"' + data + b'"')), text.encode("utf-8", "surrogatepass"))


class ListTests(SynchronousTestCase):
    """A list file."""

    LINES = (b"item({\n", b'\t"x });";\n', b'\t["key"] = "1";\n', b"});\n")

    def test_items(self) -> None:
        """One behind the other; spaces between them are passed over."""
        found = list(read_items([*self.LINES, b"    \n", *self.LINES]))
        self.assertEqual(found, [{1: "x });", "key": "1"}] * 2)

    def test_a_broken_one_stops_nothing(self) -> None:
        """What cannot be read is told in its place."""
        found = list(read_items([*self.LINES, b"item(os.exit(\n", b"});\n", *self.LINES]))
        self.assertEqual([type(each) for each in found], [dict, ValueError, dict])

    def test_cut_short(self) -> None:
        """A list that a crash has cut short gives all before."""
        found = list(read_items([*self.LINES, *self.LINES[:2]]))
        self.assertEqual([type(each) for each in found], [dict, ValueError])

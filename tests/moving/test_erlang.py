"""Terms of Erlang, as ``~p`` writes them."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.moving.erlang import MAX_DEPTH, Atom, read_term, split_terms


class TermTests(SynchronousTestCase):
    """One term."""

    def test_kinds(self) -> None:
        """Atoms, numbers, strings, binaries, tuples, lists, maps."""
        self.assertEqual(
            read_term(b"""{a, 'B c', -1, 2.5e3, "x", <<"y">>, <<1,255>>, <<>>, [], [b|c], #{k => "v"}}"""),
            ("a", "B c", -1, 2500.0, "x", b"y", b"\x01\xff", b"", [], ["b", "c"], {"k": "v"}),
        )
        self.assertIsInstance(read_term(b"both"), Atom)
        self.assertNotIsInstance(read_term(b'"both"'), Atom)

    def test_strings_in_pieces(self) -> None:
        """A long one is written in several, without a comma; with one they are two."""
        self.assertEqual(read_term(b'{<<"ab"\n  "cd">>, "e"\n "f", ["g", "h"]}'), (b"abcd", "ef", ["g", "h"]))

    def test_bytes(self) -> None:
        """A binary is what it was, be the file Latin-1 or UTF-8; escapes are octal, hexadecimal or by letter."""
        self.assertEqual(read_term('<<"josé">>'.encode()), "josé".encode())
        self.assertEqual(read_term(rb'<<"\303\251\n\x{e9}\"\\"/utf8>>'), b'\xc3\xa9\n\xe9"\\')

    def test_what_is_none(self) -> None:
        """What is not whole, or no term, is refused."""
        for data in (
            b"{a",
            b"a}",
            b"{a]",
            b"a b",
            b"<<256>>",
            b"<<a>>",
            b"Variable",
            b"",
            b"<<",
            b"[" * (MAX_DEPTH + 9),
        ):
            self.assertRaises(ValueError, read_term, data)

    def test_what_lives(self) -> None:
        """Processes and references mean nothing elsewhere."""
        self.assertEqual(read_term(b"{#Ref<0.1.2.3>, <0.99.0>, x}"), (None, None, "x"))


class FileTests(SynchronousTestCase):
    """One term behind another."""

    def test_where_a_term_ends(self) -> None:
        """With a full stop at the end of a line, not with one in a string."""
        lines = [b"{a,\n", b' <<"it ends. }.">>}.\n', b"\n", b"{b}.\n"]
        self.assertEqual(list(split_terms(lines)), [b'{a,\n <<"it ends. }.">>}', b"{b}"])

    def test_cut_short(self) -> None:
        """What comes last may not be whole."""
        found = list(split_terms([b"{a}.\n", b"{b,\n"]))
        self.assertEqual([type(each) for each in found], [bytes, ValueError])

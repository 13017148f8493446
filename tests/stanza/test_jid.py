"""Addresses (RFC 7622)."""

from functools import partial

import idna
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.counting import calls
from xmppd.stanza import jid as jid_module
from xmppd.stanza.jid import (
    CACHE_SIZE,
    JID,
    LABEL_BYTES,
    LONG_CACHE_SIZE,
    LONG_CHARS,
    InvalidJID,
    prepare_domainpart,
    prepare_localpart,
    prepare_resourcepart,
    stringprep_disagrees,
)

LABEL_CHARS = "\u0628\u0660\u0661\u06f0\u06f1\u05d0\u05d1\u00b7\u200c\u064b\u30fb\u6f22\u05f3l"
"""Letters, digits, marks and joiners about which there are rules, and that no mapping changes."""

PREPARED = (  # text, localpart, domainpart, resourcepart
    ("juliet@example.com", "juliet", "example.com", None),
    ("juliet@example.com/foo", "juliet", "example.com", "foo"),
    ("juliet@example.com/foo bar", "juliet", "example.com", "foo bar"),
    ("juliet@example.com/foo@bar", "juliet", "example.com", "foo@bar"),
    ("example.com/a/b@c", None, "example.com", "a/b@c"),
    ("foo\\20bar@example.com", "foo\\20bar", "example.com", None),
    ("fußball@example.com", "fußball", "example.com", None),
    ("π@example.com", "π", "example.com", None),
    ("Σ@example.com/foo", "σ", "example.com", "foo"),
    ("king@example.com/♚", "king", "example.com", "♚"),
    ("example.com", None, "example.com", None),
    ("Alice@LOCALHOST./Home", "alice", "localhost", "Home"),
    ("Ａlice@example.com", "alice", "example.com", None),
    ("a@BÜCHER.example", "a", "bücher.example", None),
    ("a@xn--bcher-kva.Example", "a", "bücher.example", None),
    ("a@XN--BCHER-KVA.example.", "a", "bücher.example", None),
    ("a@bücher。example", "a", "bücher.example", None),
    ("a@127.0.0.1/x", "a", "127.0.0.1", "x"),
    ("a@[2001:DB8:0::1]/x", "a", "[2001:db8::1]", "x"),
    ("a@example.com/\u00a0x", "a", "example.com", " x"),
    ("a@example.com/e\u0301", "a", "example.com", "é"),
)

INVALID = (
    "",
    "@",
    "/",
    "@example.com",
    "a@",
    "a@/x",
    "/x",
    "a@example.com/",
    "a@b@example.com",
    '"juliet"@example.com',
    "foo bar@example.com",
    "a&b@example.com",
    "a'b@example.com",
    "a:b@example.com",
    "a<b@example.com",
    "a>b@example.com",
    "henryⅣ@example.com",
    "♚@example.com",
    "a\u0000@example.com",
    "a\ud800@example.com",
    "＠@example.com",
    "a@bad host",
    "a@bad_host",
    "a@-bad",
    "a@bad-",
    "a@a..b",
    "a@.a",
    "a@a..",
    "a@xn--zz",
    "a@[::1",
    "a@[:]",
    "a@[1.2.3.4]",
    "a@[::1%eth0]",
    "a@" + "x" * 64,
    "a@" + "ü" * 60,
    "a@ex<ample",
    "a@example.com/\u0007",
    "a@example.com/\ufffe",
    "a@example.com/\ud800",
    "x" * 1024 + "@example.com",
    "ü" * 512 + "@example.com",
    "a@example.com/" + "x" * 1024,
    "a@example.com/" + "♚" * 342,
    "a@" + "x." * 512 + "x",
)


class JIDTests(SynchronousTestCase):
    """What text is an address, and which."""

    def test_prepared(self) -> None:
        """Each part goes by its profile (RFC 7622 3.2, 3.3, 3.4)."""
        for text, local, domain, resource in PREPARED:
            jid = JID.parse(text)
            self.assertEqual((jid.localpart, jid.domainpart, jid.resourcepart), (local, domain, resource))
            self.assertEqual(JID.parse(jid.full), jid)

    def test_invalid(self) -> None:
        """What RFC 7622 forbids is no address."""
        for text in INVALID:
            self.assertRaises(InvalidJID, JID.parse, text)

    def test_longest_parts(self) -> None:
        """Each part may have 1023 bytes (RFC 7622 3.2 to 3.4)."""
        for text in (
            "x" * 1023 + "@a/" + "y" * 1023,
            "ü" * 511 + "@a/" + "♚" * 341,
            ("x" * 50 + ".") * 20 + "x",
        ):
            self.assertEqual(JID.parse(text).full, text)

    def test_long_names(self) -> None:
        """A name that cannot be in DNS is none, where it would have to be written in A-labels (RFC 1035 2.3.4)."""
        longest = ".".join(["ü" * 30] * 8)
        self.assertEqual(JID.parse(longest).full, longest)
        self.assertRaises(InvalidJID, JID.parse, f"{longest}.{longest}")

    @settings(max_examples=500)
    @given(st.text(LABEL_CHARS, min_size=1, max_size=20), st.booleans())
    def test_labels(self, u_label: str, is_a_label: bool) -> None:
        """They are what IDNA2008 says, by its library, which looks at some of them many times over."""
        a_label = f"xn--{u_label.encode('punycode').decode()}"
        label = a_label if is_a_label else u_label
        try:
            expected = idna.ulabel(label) if len(a_label) <= LABEL_BYTES else None
        except (idna.IDNAError, UnicodeError):
            expected = None
        try:
            self.assertEqual(prepare_domainpart(f"b.{label}"), f"b.{expected}", ascii(label))
        except InvalidJID:
            self.assertIsNone(expected, ascii(label))

    def test_texts(self) -> None:
        """The full and the bare text, and the way from one to the other."""
        jid = JID.parse("alice@example.com/home")
        self.assertEqual(
            (str(jid), jid.full, jid.bare), ("alice@example.com/home",) * 2 + ("alice@example.com",)
        )
        self.assertFalse(jid.is_bare)
        bare = jid.with_resource(None)
        self.assertTrue(bare.is_bare)
        self.assertEqual(bare.full, bare.bare)
        self.assertEqual(bare.with_resource("home"), jid)
        self.assertEqual(JID(None, "example.com", "x").full, "example.com/x")

    def test_equality(self) -> None:
        """Addresses are equal where their full texts are."""
        self.assertEqual(JID.parse("A@b/c"), JID("a", "b", "c"))
        self.assertEqual(hash(JID.parse("A@b/c")), hash(JID("a", "b", "c")))
        self.assertNotEqual(JID.parse("a@b/c"), JID.parse("a@b/C"))
        self.assertNotEqual(JID.parse("a@b"), "a@b")

    def test_of_prepared(self) -> None:
        """What was prepared is taken as it is."""
        for text in ("a@b/c", "b", "a@b", "b/c", "a@b/c@d/e", "ä@ö.example/ü @"):
            jid, again = JID.parse(text), JID.of_prepared(text)
            for part in ("full", "bare", "localpart", "domainpart", "resourcepart"):
                self.assertEqual(getattr(again, part), getattr(jid, part), (text, part))

    def test_cache_is_bounded(self) -> None:
        """A peer that makes up addresses does not grow the cache."""
        self.addCleanup(jid_module._CACHE.clear)
        for number in range(CACHE_SIZE + 10):
            JID.parse(f"user{number}@example.com")
        self.assertLessEqual(len(jid_module._CACHE), CACHE_SIZE)
        self.assertGreater(len(jid_module._CACHE), CACHE_SIZE // 4)
        self.assertIs(JID.parse(f"user{CACHE_SIZE}@example.com"), JID.parse(f"user{CACHE_SIZE}@example.com"))

    def test_what_was_prepared_can_be_forgotten(self) -> None:
        """Addresses that are in use stay what they are; the next time they are prepared anew."""
        short, long = "romeo@example.com", "romeo@example.com/" + "x" * LONG_CHARS
        before = JID.parse(short), JID.parse(long)
        jid_module.forget_prepared()
        self.assertEqual((len(jid_module._CACHE), len(jid_module._LONG_CACHE)), (0, 0))
        self.assertEqual((JID.parse(short), JID.parse(long)), before)

    def test_long_addresses_are_fewer(self) -> None:
        """Addresses of 3 kB take no more memory than many short ones: a few of them are kept, apart from those."""
        self.addCleanup(jid_module._LONG_CACHE.clear)
        short, resource = JID.parse("romeo@example.com"), "x" * 1_000
        for number in range(LONG_CACHE_SIZE + 10):
            JID.parse(f"user{number}@example.com/{resource}")
        self.assertLessEqual(len(jid_module._LONG_CACHE), LONG_CACHE_SIZE)
        self.assertLessEqual(max(map(len, jid_module._CACHE)), LONG_CHARS)
        self.assertIs(JID.parse("romeo@example.com"), short)
        last = f"user{LONG_CACHE_SIZE}@example.com/{resource}"
        self.assertIs(JID.parse(last), JID.parse(last))

    def test_only_addresses_are_cached(self) -> None:
        """What is no address leaves nothing behind."""
        before = len(jid_module._CACHE)
        self.assertRaises(InvalidJID, JID.parse, "a@@b")
        self.assertEqual(len(jid_module._CACHE), before)

    @settings(max_examples=150, deadline=None, database=None)
    @given(st.text(max_size=12), st.text("aA.-ü[]:xn1", max_size=12), st.text(max_size=8))
    def test_idempotent(self, local: str, domain: str, resource: str) -> None:
        """Whatever the text, it is refused or prepared, and what is prepared stays as it is."""
        for prepare, text in (
            (prepare_localpart, local),
            (prepare_domainpart, domain),
            (prepare_resourcepart, resource),
        ):
            try:
                prepared = prepare(text)
            except InvalidJID:
                continue
            self.assertEqual(prepare(prepared), prepared)

    def test_ascii_shortcut_agrees(self) -> None:
        """The shortcut for ASCII takes what the profiles take, and makes the same of it."""
        for code in range(128):
            char = chr(code)
            for prepare, profile in (
                (prepare_localpart, "UsernameCaseMapped"),
                (prepare_resourcepart, "OpaqueString"),
            ):
                try:
                    expected: str | None = jid_module._profile(profile).enforce(f"x{char}y")
                except ValueError:
                    expected = None
                if prepare is prepare_localpart and char in "\"&'/:<>@":
                    expected = None
                try:
                    found: str | None = prepare(f"x{char}y")
                except InvalidJID:
                    found = None
                self.assertEqual(found, expected, (profile, char))

    @given(
        st.text(
            "\u0660\u0661\u06f0\u06f1\u30fb\u3042\u0628al\u00b7\u0375\u03b1\u05f3\u05d0\u0915\u094d\u200d0 ",
            max_size=8,
        )
    )
    @settings(max_examples=300, deadline=None)
    def test_rules_about_the_whole_agree(self, text: str) -> None:
        """RFC 5892 A.7 to A.9: what is asked once for each character gives the same as asked at each place."""
        for profile in ("UsernameCaseMapped", "OpaqueString"):
            results = []
            for enforce in (jid_module._profile(profile).enforce, partial(jid_module._enforced, profile)):
                try:
                    results.append(enforce(text))
                except ValueError:
                    results.append("")
            self.assertEqual(results[0], results[1], (profile, text))


class CostTests(SynchronousTestCase):
    """An address is prepared for each stanza, and a stanza may bring hundreds (promises#one-second)."""

    def cost(self, jid: str) -> int:
        """Give the calls that the cheapest of some preparations takes."""
        return min(calls(JID.parse, f"{jid}/{each}") for each in range(5))

    def test_characters_of_the_whole(self) -> None:
        """Arabic digits and katakana's middle dot are asked about all the rest: not for each of them."""
        self.cost("ä@localhost")
        usual = self.cost("\u0628" * 500 + "@localhost")
        for odd in ("\u0628" + "\u0660" * 499, "\u0628\u06f1" * 250, "\u30fb" * 320 + "\u3042"):
            self.assertLess(self.cost(f"{odd}@localhost"), 2 * usual, odd[:4])


class StringprepTests(SynchronousTestCase):
    """Names on which servers of different age do not agree."""

    def test_agreement(self) -> None:
        """Ordinary names are the same by RFC 3920 A and by RFC 7622."""
        for name in ("alice", "Alice", "é", "müller", "имя", "אבג", "ａlice"):
            self.assertFalse(stringprep_disagrees(name), name)

    def test_disagreement(self) -> None:
        """Nodeprep folds these, drops parts of them, or does not know them yet."""
        for name in ("fußball", "ς", "\u1e9e", "\u0523"):
            self.assertTrue(stringprep_disagrees(name), name)

    def test_not_a_localpart(self) -> None:
        """What RFC 7622 itself refuses stays refused."""
        self.assertRaises(InvalidJID, stringprep_disagrees, "a b")

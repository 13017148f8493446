"""Domain names of hosts and components (RFC 7622 3.2), and the right spelling of wrong ones."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.names import KINDS, check_domain
from xmppd.stanza.jid import prepare_domainpart

RIGHT = [
    "localhost",
    "example.org",
    "bücher.example",
    "straße.example",
    "例え.テスト",
    "a-b.example",
    "1.example",
    "127.0.0.1",
    "[::1]",
    "a" * 63 + ".example",
]

# name, kind, right spelling, a word of the reason
WRONG = [
    ("xn--bcher-kva.example", "a-label", "bücher.example", "xn--bcher-kva"),
    ("XN--BCHER-KVA.example", "a-label", "bücher.example", "lower case"),
    ("xn--zzzz.example", "a-label", None, "no valid"),
    ("bad_host name", "characters", "bad-host-name", "an underscore and a space"),
    ("chat.example.org/x", "characters", "chat.example.org-x", "'/'"),
    ("a@example.org", "characters", "a-example.org", "'@'"),
    ("example.org:5222", "characters", "example.org-5222", "':'"),
    (" example.org", "characters", "example.org", "a space"),
    ("a\tb.example", "characters", "a-b.example", "a tab"),
    ("Example.Org", "case", "example.org", "lower case"),
    ("BÜCHER.example", "case", "bücher.example", "lower case"),
    ("bu\u0308cher.example", "normal-form", "bücher.example", "normal form C"),
    ("ＥＸＡＭＰＬＥ.org", "case", "example.org", "lower case"),
    ("bÃ¼cher.example", "encoding", "bücher.example", "UTF-8"),
    ("example.org.", "trailing-dot", "example.org", "ends in a dot"),
    ("example..org", "empty-label", "example.org", "empty part"),
    (".example.org", "empty-label", "example.org", "empty part"),
    (".", "empty-label", None, "empty part"),
    ("", "empty-label", None, "empty"),
    ("a" * 64 + ".example", "too-long", None, "64 bytes"),
    ("ü" * 60 + ".example", "too-long", None, "63 are allowed"),
    (".".join(["a" * 60] * 5), "too-long", None, "304 bytes"),
    ("☃.example", "idna", None, "U+2603"),
    ("-a.example", "idna", "a.example", "hyphen"),
    ("ab--cd.example", "idna", None, "hyphen"),
    ("::1", "characters", "[::1]", "':'"),
]


class CheckDomainTests(SynchronousTestCase):
    """The table of names, row by row."""

    def test_right_names(self) -> None:
        """A U-label name in lower case, and an IP address, are right, and what addresses are prepared to."""
        for name in RIGHT:
            self.assertIsNone(check_domain(name), name)
            self.assertEqual(prepare_domainpart(name), name)

    def test_wrong_names(self) -> None:
        """Each wrong name has its kind, its reason, and its right spelling where there is one."""
        for name, kind, spelling, word in WRONG:
            problem = check_domain(name)
            assert problem is not None, name
            self.assertEqual((problem.kind, problem.spelling), (kind, spelling), name)
            self.assertIn(word, problem.why)

    def test_every_kind(self) -> None:
        """The table has a row for each kind."""
        self.assertEqual({kind for _, kind, _, _ in WRONG}, set(KINDS))

    def test_all_mistakes_of_a_name(self) -> None:
        """A name with several mistakes tells them all."""
        problem = check_domain("Bad_Host.xn--bcher-kva.example.")
        assert problem is not None
        for word in ("underscore", "lower case", "xn--bcher-kva", "ends in a dot"):
            self.assertIn(word, problem.why)
        self.assertEqual(problem.spelling, "bad-host.bücher.example")

    @settings(max_examples=80)
    @given(st.text(st.sampled_from("aÄß.-_ 1X☃́例\x00ı"), max_size=12) | st.text(max_size=20))
    def test_any_text(self, name: str) -> None:
        """No text raises, and a spelling that is offered is itself right."""
        problem = check_domain(name)
        if problem and problem.spelling is not None:
            self.assertIsNone(check_domain(problem.spelling))

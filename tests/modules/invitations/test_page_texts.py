"""What the pages of invitations say: two languages, what fits a system, dates."""

from string import Formatter

from twisted.trial.unittest import SynchronousTestCase

from xmppd.modules.invitations import rendering
from xmppd.modules.invitations.clients import date_of, programs_for, system_of
from xmppd.modules.invitations.texts import ENGLISH, GERMAN, language


class TextTests(SynchronousTestCase):
    """Languages, systems and dates."""

    def test_same_texts(self) -> None:
        """All that is said in one language is said in the other, with the same in it."""
        self.assertEqual(ENGLISH.keys(), GERMAN.keys())
        for key, english in ENGLISH.items():
            fields = [
                {name for _, name, _, _ in Formatter().parse(text) if name} for text in (english, GERMAN[key])
            ]
            self.assertEqual(fields[0], fields[1], key)
            self.assertTrue(GERMAN[key])

    def test_language(self) -> None:
        """What is wanted, else the best that is accepted (RFC 9110 12.5.4), else English."""
        for wanted, accepted, found in (
            ("", "", "en"),
            ("", "de-AT,de;q=0.9,en;q=0.8", "de"),
            ("", "fr, de;q=0.2, en;q=0.3", "en"),
            ("", "en;q=0, de;q=0.1", "de"),
            ("", "de;q=x", "en"),
            ("de", "en", "de"),
            ("xx", "de", "de"),
            ("", "," * 10_000 + "de", "en"),
        ):
            self.assertEqual(language(wanted, accepted), found, (wanted, accepted[:40]))

    def test_systems(self) -> None:
        """A phone is known from its larger relatives; who is unknown is shown all."""
        for agent, system in (
            ("Mozilla/5.0 (Linux; Android 14; Pixel)", "Android"),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)", "iOS"),
            ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", "macOS"),
            ("Mozilla/5.0 (X11; Linux x86_64)", "Linux"),
            ("Mozilla/5.0 (Windows NT 10.0)", "Windows"),
            ("curl/8", ""),
        ):
            self.assertEqual(system_of(agent), system)
            self.assertTrue(programs_for(system))

    def test_dates(self) -> None:
        """In words."""
        self.assertEqual(date_of(1_780_604_800, "en"), "4 June 2026")
        self.assertEqual(date_of(1_780_604_800, "de"), "4. Juni 2026")

    def test_code(self) -> None:
        """A QR code is an SVG in which nothing of the text stands."""
        svg = rendering.code("xmpp:romeo@localhost?roster;preauth=<script>")
        self.assertTrue(svg.startswith("<svg"))
        self.assertNotIn("script", svg)

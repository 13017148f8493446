"""The configuration explained: what holds and why, and what an option is."""

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.admin.explained import NoSuchOption, Option, effective, facts, find, written
from xmppd.admin.settings import known_modules
from xmppd.config.documented import descriptions, headings
from xmppd.config.limits import Limits
from xmppd.config.model import Config
from xmppd.config.read import load

TEXT = """\
[hosts."example.org"]
auth = "internal"
[hosts."example.org".limits]
roster_items = 7
[limits]
roster_items = 500
[modules.mam]
keep_days = 10
[components."irc.example.org"]
secret = "a secret that nobody must see anywhere"
[s2s.domains."example.net"]
direct_tls = true
"""


class ExplainedTests(SynchronousTestCase):
    """`effective`, `find`, `facts`."""

    def setUp(self) -> None:
        self.file = temporary_folder(self) / "x.toml"
        self.file.write_text(TEXT)
        self.config: Config = load(self.file, {"XMPPD_DATA": "/srv/data"})
        self.known = known_modules()

    def find(self, key: str) -> Option:
        """Find an option."""
        return find(self.config, self.known, key)

    def test_what_differs(self) -> None:
        """What is said and holds otherwise than by default, with its line; a secret is not shown."""
        found = [each for each in effective(self.config, self.known) if each.differs]
        shown = {each.key: (written(each.value), (each.place or "").rpartition(":")[2]) for each in found}
        self.assertEqual(
            shown,
            {
                "s2s.domains": ('{ "example.net" = { direct_tls = true } }', "11"),
                "limits.roster_items": ("500", "6"),
                "modules.mam.keep_days": ("10", "8"),
                'hosts."example.org".limits.roster_items': ("7", "4"),
                'components."irc.example.org".secret': ("(secret)", "10"),
            },
        )

    def test_every_option_is_there(self) -> None:
        """Also those that nothing says, and each has words."""
        found = {each.key: each for each in effective(self.config, self.known)}
        self.assertEqual(len(found), len(list(effective(self.config, self.known))))
        for key in (
            "data_dir",
            "tls.min_version",
            "components.listen",
            "modules.sm.max_s",
            *map("limits.{}".format, Limits.model_fields),
        ):
            self.assertIn(key, found)
        self.assertEqual([key for key, each in found.items() if not each.words], [])

    def test_of_a_domain(self) -> None:
        """What the domain's table says; else what holds for all."""
        self.assertEqual(self.find('hosts."example.org".limits.roster_items').value, 7)
        self.assertEqual(self.find('hosts."example.org".auth').value, "internal")
        self.assertEqual(self.find('hosts."other.example".limits.roster_items').value, 500)

    def test_unknown(self) -> None:
        """What may have been meant is told; the end of a name will do where one option has it."""
        self.assertEqual(self.find("roster_groups").key, "limits.roster_groups")
        for key, hint in (
            ("c2s.lisen", "did you mean c2s.listen?"),
            ("keep_days", "modules.mam.keep_days"),
            ("zzzzzz", "xmppctl config show"),
            ("a b", "limits.roster_items"),
        ):
            self.assertIn(hint, str(self.assertRaises(NoSuchOption, self.find, key)))

    def test_facts(self) -> None:
        """What it is, what it may be, and what brings a change."""
        said = dict(facts(self.find("limits.roster_items")))
        self.assertEqual(said["is"], "a whole number, at least 1")
        self.assertTrue(said["holds"].startswith("500 ("))
        self.assertEqual((said["default"], said["changed by"]), ("20000", "xmppctl reload"))
        said = dict(facts(self.find("c2s.listen")))
        self.assertEqual(
            (said["for a domain"], said["changed by"]), ("no, for the server as a whole", "a restart")
        )
        self.assertIn('"replace", "refuse", "rename"', dict(facts(self.find("c2s.resource_conflict")))["is"])
        self.assertEqual(dict(facts(self.find("log.file")))["default"], "nothing")


class DocumentedTests(SynchronousTestCase):
    """`xmppd.config.documented`."""

    def test_words_and_headings(self) -> None:
        """Words stand below their option, in one line; headings before the option that follows."""
        self.assertEqual(descriptions(Limits)["roster_items"], "Contacts of one account.")
        self.assertEqual(headings(Limits)["roster_items"], "roster")

"""Which other servers are talked to: domains in the configuration, and lists of others' in files."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.config.findings import Finding
from xmppd.config.model import Config
from xmppd.config.read import parse

LIST = """# a list of others'
spam.example
 Worse.Example   # since Monday
xn--bcher-kva.example
not a domain
"""


class BlockTests(SynchronousTestCase):
    """`S2s.may_talk_to`."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)

    def read(self, options: str) -> tuple[Config | None, list[Finding]]:
        """Read a configuration that lies in the folder."""
        text = f'[s2s]\n{options}\n[hosts."example.org"]\n'
        return parse(text, str(Path(self.folder, "xmppd.toml")))

    def talked_to(self, options: str, *domains: str) -> list[str]:
        """Give those of *domains* that are talked to."""
        config, findings = self.read(options)
        assert config is not None, findings
        return [domain for domain in domains if config.s2s.may_talk_to(domain)]

    def test_blocked(self) -> None:
        """A domain, and what is below it; not what only ends alike."""
        asked = ("spam.example", "rooms.spam.example", "notspam.example", "example")
        self.assertEqual(self.talked_to('block = ["spam.example"]', *asked), ["notspam.example", "example"])

    def test_lists(self) -> None:
        """A domain a line, in whatever spelling; a line that is none is passed over."""
        (self.folder / "blocked").write_text(LIST)
        asked = ("spam.example", "worse.example", "bücher.example", "fine.example")
        self.assertEqual(self.talked_to('block_lists = ["blocked"]', *asked), ["fine.example"])

    def test_allowed(self) -> None:
        """With any allowed, no others are; who is blocked stays so."""
        options = 'allow = ["a.example", "b.example"]\nblock = ["b.example"]'
        self.assertEqual(self.talked_to(options, "a.example", "b.example", "c.example"), ["a.example"])

    def test_missing(self) -> None:
        """A file that cannot be read is told with its line."""
        _, (found,) = self.read('block_lists = ["nowhere"]')
        self.assertEqual((found.id, found.place.rpartition(":")[2]), ("config.unreadable", "2"))

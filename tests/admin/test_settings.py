"""The configuration as a start takes it."""

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.admin.settings import read_settings
from xmppd.config.findings import ConfigErrors


class ComponentTests(SynchronousTestCase):
    """Components at a start."""

    def read(self, text: str) -> list[tuple[str, str]]:
        """Read a file; give identifiers and lines of its warnings."""
        file = temporary_folder(self) / "x.toml"
        file.write_text(text)
        found = read_settings(str(file), {}).warnings
        return [(finding.id, finding.place.rpartition(":")[2]) for finding in found]

    def test_component(self) -> None:
        """A start takes it as it is; one whose certificate is of no use is told so."""
        self.assertEqual(self.read('\n[components."irc.example"]\nsecret = "x"\n'), [])

    def test_module_that_there_is_not(self) -> None:
        """A component whose module there is not ends the start with its place."""
        error = self.assertRaises(ConfigErrors, self.read, '[components."x.example"]\nmodule = "mcu"\n')
        self.assertEqual([finding.id for finding in error.findings], ["config.unknown-module"])
        self.assertIn("x.toml:2: ", str(error))

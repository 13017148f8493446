"""``xmppctl config``: the files that come with the server."""

import json
from importlib import metadata
from pathlib import Path

from click.testing import Result
from twisted.trial.unittest import SynchronousTestCase

from tests.admin.xmppctl.fakes import Bench
from tests.checkout import ROOT
from tests.temporary import temporary_folder
from xmppd.admin.control.wire import ControlError
from xmppd.admin.xmppctl import config as config_group


class ConfigTests(SynchronousTestCase):
    """The example and the unit."""

    def test_of_the_checkout(self) -> None:
        """They are printed as they stand, though there is no server and no data."""
        for command, name in (("example", "xmppd.toml"), ("unit", "xmppd.service")):
            result = Bench(is_running=False, env={}).run("config", command)
            self.assertEqual((result.exit_code, result.stdout), (0, (ROOT / "etc" / name).read_text()))

    def test_of_an_installed_program(self) -> None:
        """They are found by what pip has noted; where they were left out that is said."""
        folder = temporary_folder(self)
        self.patch(config_group, "__file__", str(folder / "xmppd" / "admin" / "xmppctl" / "config.py"))
        (folder / "xmppd.toml").write_text("# found\n")
        installed = metadata.PackagePath("share/xmppd/xmppd.toml")
        self.patch(metadata, "files", lambda name: [installed])
        self.patch(metadata.PackagePath, "locate", lambda path: Path(folder, path.name))
        self.assertEqual(config_group.shipped("xmppd.toml"), "# found\n")
        self.assertRaises(ControlError, config_group.shipped, "xmppd.service")


class SettingsTests(SynchronousTestCase):
    """``xmppctl config show``, ``diff`` and ``explain``; what they say is tested beside what says it."""

    def run_config(self, *args: str) -> Result:
        """Run a command over a file with one option."""
        file = temporary_folder(self) / "x.toml"
        file.write_text("[limits]\nroster_items = 5\n")
        return Bench(is_running=False).run("config", *args, "--config", str(file))

    def test_diff(self) -> None:
        """A line an option, with where it is said; nothing where nothing is."""
        self.assertRegex(self.run_config("diff").stdout, r"^limits\.roster_items = 5  # .*x\.toml:2\n$")
        (row,) = json.loads(self.run_config("diff", "--json").stdout)
        self.assertEqual((row["key"], row["value"], row["default"]), ("limits.roster_items", "5", "20000"))
        self.assertIn("all is as it is by default", Bench(is_running=False).run("config", "diff").stdout)

    def test_show(self) -> None:
        """All options."""
        self.assertIn("limits.roster_groups = 100\n", self.run_config("show").stdout)

    def test_explain(self) -> None:
        """What it is; one that is not there is refused."""
        self.assertIn("Contacts of one account.", self.run_config("explain", "roster_items").stdout)
        self.assertEqual(
            json.loads(self.run_config("explain", "roster_items", "--json").stdout)["value"], "5"
        )
        self.assertEqual(self.run_config("explain", "roster_itms").exit_code, 1)

    def test_broken_file(self) -> None:
        """A mistake is told as a start would."""
        file = temporary_folder(self) / "x.toml"
        file.write_text("[limits]\nroster_items = 'x'\n")
        result = Bench(is_running=False).run("config", "show", "--config", str(file))
        self.assertEqual(result.exit_code, 1)
        self.assertIn("x.toml:2", result.stderr)

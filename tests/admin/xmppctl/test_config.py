"""``xmppctl config``: the files that come with the server."""

from importlib import metadata
from pathlib import Path

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

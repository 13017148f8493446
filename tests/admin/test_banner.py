"""What a start prints: the next command is one that can be typed as it stands."""

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.admin.banner import typed


class TypedTests(SynchronousTestCase):
    """`typed`."""

    def setUp(self) -> None:
        """Make a folder like that of a virtual environment, and an empty PATH."""
        self.here = temporary_folder(self)
        self.bin = self.here / ".venv" / "bin"
        self.bin.mkdir(parents=True)
        (self.bin / "xmppctl").touch()
        self.path = self.here / "bin"
        self.path.mkdir()
        self.patch(os, "get_exec_path", lambda: ["/nowhere", str(self.path)])

    def test_on_the_path(self) -> None:
        """A command that the PATH has is typed by its name."""
        (self.path / "xmppctl").touch(mode=0o755)
        self.assertEqual(typed("xmppctl", self.here, self.bin / "python"), "xmppctl")

    def test_in_a_virtual_environment_of_this_folder(self) -> None:
        """One that stands beside the interpreter is typed from here."""
        self.assertEqual(typed("xmppctl", self.here, self.bin / "python"), ".venv/bin/xmppctl")

    def test_in_one_elsewhere(self) -> None:
        """From elsewhere the whole path is needed."""
        elsewhere = Path("/")
        self.assertEqual(typed("xmppctl", elsewhere / "srv", self.bin / "python"), str(self.bin / "xmppctl"))

    def test_one_that_cannot_be_run(self) -> None:
        """A file of this name on the PATH is no command for that."""
        (self.path / "xmppctl").touch(mode=0o644)
        self.assertEqual(typed("xmppctl", self.here, self.bin / "python"), ".venv/bin/xmppctl")

    def test_nowhere(self) -> None:
        """Without either the name has to do."""
        self.assertEqual(typed("xmppctl", self.here, Path("/nowhere/python")), "xmppctl")

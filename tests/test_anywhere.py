"""The suite runs in any folder, whatever lies there, and with any environment."""

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.checkout import ROOT
from tests.temporary import temporary_folder

PATIENCE_S = 60
SUITE = (
    "tests/admin/xmppctl/test_user.py",
    "tests/admin/xmppctl/test_app.py",
    "tests/config/test_read.py",
)
"""What once looked at the working folder, the home or the environment."""


class AnywhereTests(SynchronousTestCase):
    """A part of the suite, in a process of its own."""

    def run_in(self, folder: Path, **environment: str) -> None:
        """Start it in *folder*; all is well, and nothing is left there."""
        before = sorted(folder.rglob("*"))
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-p",
                "no:cacheprovider",
                *(str(ROOT / each) for each in SUITE),
            ],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(sorted(folder.rglob("*")), before)

    def test_beside_the_data_of_a_server(self) -> None:
        """As after ``make run``, in the same folder; and where an operator's variables name data and a home."""
        folder = temporary_folder(self)
        (folder / "xmppd-data").mkdir()
        (folder / "xmppd.toml").write_text("nonsense")
        self.run_in(
            folder, XMPPD_DATA=str(folder / "xmppd-data"), HOME="/nonexistent", COLUMNS="20", FORCE_COLOR="1"
        )

    def test_working_folder(self) -> None:
        """Whoever asks for it in a test gets one of the suite's own, and a home likewise."""
        self.assertFalse(Path.cwd().is_relative_to(ROOT))
        self.assertTrue(Path.home().is_dir())
        self.assertNotIn("XMPPD_DATA", os.environ)

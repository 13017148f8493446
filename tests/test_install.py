"""The install recipe of the Makefile and the unit: what is put where, and what an old Python is told."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.admin.xmppctl.locate import data_folder
from xmppd.config.read import load

ROOT = Path(__file__).parent.parent
OLD = """#!/bin/sh
exec {python} -c "$(echo "$2" | sed 's/sys.version_info/(3, 10)/g')"
"""


class InstallTests(SynchronousTestCase):
    """Below a folder that stands for the root of the file system."""

    def setUp(self) -> None:
        if shutil.which("make") is None:
            raise SkipTest("there is no make")
        self.root = temporary_folder(self)

    def make(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run make in the checkout."""
        return subprocess.run(
            ["make", "-s", *words, f"DESTDIR={self.root}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )

    def test_configuration(self) -> None:
        """It says where the data are, for the server and for xmppctl alike; secrets in it are for its group alone."""
        self.assertEqual(self.make("install-files").returncode, 0)
        file = self.root / "etc/xmppd/xmppd.toml"
        self.assertEqual(load(file, {}).data_dir, Path("/var/lib/xmppd"))
        self.assertEqual(data_folder(file, {}).path, Path("/var/lib/xmppd"))
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o640)
        file.write_text("# mine\n")
        self.make("install-files", "PREFIX=/srv/x")
        self.assertEqual(file.read_text(), "# mine\n")

    def test_unit(self) -> None:
        """It starts what was installed, has no second opinion on where the data are, and does not give up at boot."""
        self.make("install-files", "PREFIX=/srv/x")
        unit = (self.root / "etc/systemd/system/xmppd.service").read_text()
        self.assertIn("\nExecStart=/srv/x/bin/xmppd --config /etc/xmppd/xmppd.toml\n", unit)
        self.assertNotIn("XMPPD_DATA", unit)
        settings, _, service = unit.partition("[Service]")
        self.assertIn("\nStartLimitIntervalSec=0\n", settings)
        self.assertIn("\nRestartSec=5\n", service)

    def test_unit_for_an_older_systemd(self) -> None:
        """Before 253 there is no notify-reload: it is told which signal reloads."""
        for version, lines in (
            ("252", "Type=notify\nExecReload=/bin/kill -HUP $MAINPID\n"),
            ("257", "Type=notify-reload\n"),
        ):
            self.make("install-files", f"SYSTEMD={version}")
            unit = (self.root / "etc/systemd/system/xmppd.service").read_text()
            self.assertIn(f"\n{lines}User=", unit)

    def test_for_a_package(self) -> None:
        """Below DESTDIR no user is made, and the program names where it will be; else its user owns its data."""
        staged = self.make("-n", "install").stdout
        for word in ("useradd", "chown", "chgrp"):
            self.assertNotIn(word, staged)
        self.assertIn(f"sed -i 's|{self.root}/opt/xmppd|/opt/xmppd|g'", staged)
        direct = subprocess.run(
            ["make", "-s", "-n", "install"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        for words in (
            "useradd --system",
            "chown xmppd:xmppd /var/lib/xmppd",
            "chgrp xmppd /etc/xmppd/xmppd.toml",
        ):
            self.assertIn(words, direct)

    def test_changes(self) -> None:
        """A release has a version; nothing happens without one."""
        self.assertIn("make changes VERSION=X.Y", self.make("-n", "changes", "VENV=/nonexistent").stderr)

    def test_python_that_is_too_old(self) -> None:
        """It is told before an environment is made of it, which would stay."""
        old, venv = self.root / "python3.10", self.root / "venv"
        old.write_text(OLD.format(python=sys.executable))
        old.chmod(0o755)
        done = self.make("run", f"PYTHON={old}", f"VENV={venv}")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(
            f"xmppd needs Python 3.11 or newer, and {old} is 3.10: make PYTHON=python3.11", done.stderr
        )
        self.assertFalse(venv.exists())

    def test_environment_of_a_python_that_was_too_old(self) -> None:
        """It is made anew, since another Python in the same folder would leave it broken."""
        venv = self.root / "venv"
        (venv / "bin").mkdir(parents=True)
        (venv / "bin" / "python").write_text(OLD.format(python=sys.executable))
        (venv / "bin" / "python").chmod(0o755)
        said = self.make("-n", "run", f"VENV={venv}", f"PYTHON={sys.executable}").stdout
        self.assertIn(f"-m venv --clear {venv}", said)
        shutil.rmtree(venv)
        said = self.make("-n", "run", f"VENV={venv}", f"PYTHON={sys.executable}").stdout
        self.assertNotIn("--clear", said)

"""The process before it serves: options, and what is said before the fork."""

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path

from twisted.internet import (
    reactor as _reactor,
)  # one is there from the start, so that no test installs another
from twisted.python import usage
from twisted.trial.unittest import SkipTest

from tests.tap import PATIENCE_S, TapTestCase
from xmppd.admin import options as options_module
from xmppd.admin.launch import main
from xmppd.admin.options import install_reactor
from xmppd.config.obstacles import user_name
from xmppd.net.transport import reactor as reactor_module
from xmppd.storage.lock import DataLock
from xmppd.tap import Options, _prepare, makeService

NOBODY = 65_534


class OptionsTests(TapTestCase):
    """The command line."""

    def test_mistakes_in_the_configuration(self) -> None:
        """All of them, a line each, with file and line; ``SystemExit`` with a text is status 1."""
        self.file.write_text("[c2s]\nlisten = 5222\nrequire_tlss = true\n")
        refused = self.assertRaises(SystemExit, self.parsed)
        lines = str(refused.code).splitlines()
        self.assertEqual(len(lines), 2)
        self.assertTrue(lines[0].startswith(f"xmppd: {self.file}:2: "))
        self.assertTrue(lines[1].startswith(f"xmppd: {self.file}:3: "))

    def test_mistake_in_the_options_of_a_module(self) -> None:
        """Modules' options are checked before anything starts."""
        self.file.write_text(self.file.read_text() + "\n[modules.pingg]\nenabled = true\n")
        refused = self.assertRaises(SystemExit, self.parsed)
        self.assertIn("pingg", str(refused.code))

    def test_check(self) -> None:
        """``--check`` reports and ends: 0 fine, 2 problems; nothing is made."""
        shown = StringIO()
        self.patch(sys, "stdout", shown)
        self.assertEqual(self.assertRaises(SystemExit, self.parsed, "--check").code, 0)
        self.assertIn("The configuration is fine.", shown.getvalue())
        self.write("dato_dir = 1")
        self.assertEqual(self.assertRaises(SystemExit, self.parsed, "--check").code, 2)
        self.assertIn("data_dir", shown.getvalue())
        self.assertFalse(self.data.exists())

    def test_check_that_cannot_be_shown(self) -> None:
        """Neither an encoding without the right letters nor a full disk ends in a traceback."""
        self.file.write_text('[hosts."xn--bcher-kva.example"]\n')
        shown = BytesIO()
        self.patch(sys, "stdout", TextIOWrapper(shown, encoding="ascii"))
        self.assertEqual(self.assertRaises(SystemExit, self.parsed, "--check").code, 2)
        self.assertIn(b'write [hosts."b\\xfccher.example"]', shown.getvalue())
        full = os.fdopen(os.open("/dev/full", os.O_WRONLY), "wb", buffering=0)
        self.addCleanup(full.close)
        self.patch(sys, "stdout", TextIOWrapper(full, write_through=True))
        refused = self.assertRaises(SystemExit, self.parsed, "--check")
        self.assertIn("cannot be written: No space left", str(refused.code))

    def test_wrong_usage(self) -> None:
        """An option that there is not is one line and status 1."""
        refused = self.assertRaises(SystemExit, main, ["--nonsense"])
        self.assertRegex(str(refused.code), r"\Axmppd: .*nonsense.*xmppd --help[^\n]*\Z")
        refused = self.assertRaises(SystemExit, main, ["xmppd.toml"])
        self.assertEqual(refused.code, "xmppd: it takes options alone; xmppd --help shows what there is")

    def test_help(self) -> None:
        """The command is called by its name, and not as twistd's."""
        shown = StringIO()
        self.patch(sys, "stdout", shown)
        self.assertRaises(SystemExit, main, ["--help"])
        self.assertTrue(shown.getvalue().startswith("Usage: xmppd [options]\nOptions:"), shown.getvalue())

    def test_as_a_module(self) -> None:
        """``python -m xmppd`` is the same command."""
        command = [sys.executable, "-m", "xmppd", "--version"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"\Axmppd \d")

    def test_version(self) -> None:
        """Ours, not Twisted's."""
        shown = StringIO()
        self.patch(sys, "stdout", shown)
        self.assertEqual(self.assertRaises(SystemExit, self.parsed, "--version").code, 0)
        self.assertRegex(shown.getvalue(), r"\Axmppd \d")

    def test_reactor(self) -> None:
        """Ours is installed unless the configuration or ``twistd --reactor`` wants another."""
        installed: list[str] = []
        self.patch(reactor_module, "install", lambda: installed.append("xmppd"))
        install_reactor("xmppd")
        self.assertEqual(installed, [], f"{_reactor} is installed in this process")
        self.patch(options_module, "_REACTOR", "no.such.module")
        install_reactor("default")
        self.assertEqual(installed, [])
        install_reactor("xmppd")
        self.assertEqual(installed, ["xmppd"])

    def test_where_the_log_goes(self) -> None:
        """The configuration's file, else twistd's, else a daemon's own; in the foreground standard output."""

        def log_file(**of_twistd: object) -> Path | None:
            options = self.parsed()
            options.parent = usage.Options()
            options.parent.update({"nodaemon": 0, "debug": 0, "logfile": None} | of_twistd)
            return options.log_file

        self.assertIsNone(self.parsed().log_file)
        self.assertIsNone(log_file(nodaemon=1))
        self.assertIsNone(log_file(debug=1))
        self.assertIsNone(log_file(nodaemon=1, logfile="-"))
        self.assertEqual(log_file(), self.data / "xmppd.log")
        self.assertEqual(log_file(logfile="/x/y.log"), Path("/x/y.log"))
        self.file.write_text(self.file.read_text() + '\n[log]\nfile = "z.log"\n')
        self.assertEqual(log_file(logfile="/x/y.log"), self.folder / "z.log")


class BeforeTheForkTests(TapTestCase):
    """What an operator can mend is one line, before there is a process to look for."""

    def test_data_folder_in_use(self) -> None:
        """The line has the other's process number."""
        self.data.mkdir(mode=0o700)
        lock = DataLock(self.data)
        lock.acquire()
        self.addCleanup(lock.release)
        self.assertRegex(self.refusal(), rf"\Axmppd: process {os.getpid()} already works with .*{self.data}")

    def test_port_in_use(self) -> None:
        """The line says where it stands, and what to do; the lock is free for the next attempt."""
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            self.write(listen=f"127.0.0.1:{port}")
            said = self.refusal()
        self.assertEqual(
            said,
            f'xmppd: {self.file}:3: "127.0.0.1:{port}" in c2s.listen: another program listens there; '
            "stop that program (ss -tlnp shows it), or take another port",
        )

    def test_data_newer_than_the_program(self) -> None:
        """They are not touched."""
        self.data.mkdir(mode=0o700)
        with closing(sqlite3.connect(self.data / "xmppd.sqlite")) as database:
            database.execute("PRAGMA user_version = 9999")
            database.commit()
        self.assertRegex(self.refusal(), r"\Axmppd: .*xmppd\.sqlite.*newer")

    def test_certificate_that_cannot_be_used(self) -> None:
        """The file is named, and where the configuration names it."""
        (self.folder / "a.crt").write_text("no certificate")
        self.file.write_text(self.file.read_text() + '\n[hosts.localhost]\ncertificate = "a.crt"\n')
        line = len(self.file.read_text().splitlines())
        place, file = f"{self.file}:{line}", self.folder / "a.crt"
        said = f'xmppd: {place}: certificate of "localhost" ({file}): there is no certificate in PEM form in it; '
        refusal = self.refusal()
        self.assertTrue(refusal.startswith(said), refusal)

    def test_folder_of_certificates_that_is_closed(self) -> None:
        """Nothing is made for a name of this machine either where nobody can see whether there is one."""
        folder = self.folder / "c"
        self.file.write_text(self.file.read_text() + f'\n[tls]\ncertificates = "{folder}"\n')
        self.assertIn(f"the folder of certificates {folder}: there is no such file or folder", self.refusal())
        if os.geteuid() != 0:
            return
        self.folder.chmod(0o755)
        folder.mkdir(mode=0o700)
        shutil.rmtree(self.data)
        refused = self.assertRaises(SystemExit, makeService, self.parsed("--uid", str(NOBODY)))
        said = f"the user {user_name(NOBODY)} may not enter {folder} (mode 0700, of root)"
        self.assertIn(said, str(refused.code))

    def test_all_mistakes_at_once(self) -> None:
        """Those in the options and those in what the options name."""
        text = f'data_dir = "{self.data}"\n[tls]\nmin_version = "1.1"\nciphers = "NONSENSE"\n'
        text += '[hosts.localhost]\ncertificate = "a.crt"\n'
        self.file.write_text(text)
        refused = self.assertRaises(SystemExit, self.parsed)
        places = [line.split(": ")[1] for line in str(refused.code).splitlines()]
        self.assertEqual(places, [f"{self.file}:{line}" for line in (3, 4, 6)])
        self.file.write_text(
            text.replace("1.1", "1.2").replace("NONSENSE", "ECDHE+AESGCM") + 'key = "a.key"\n'
        )
        refused = self.assertRaises(SystemExit, makeService, self.parsed())
        self.assertEqual(str(refused.code).count("\n"), 1)

    def test_database_in_a_folder_that_is_missing(self) -> None:
        """The line has the place of its name."""
        self.write(storage="sqlite:none/x.sqlite")
        said = self.refusal()
        self.assertIn(f"xmppd: {self.file}:6: the folder of the database {self.data / 'none'}: ", said)

    def test_data_folder_that_cannot_be_made(self) -> None:
        """The path is named, and where the configuration has it."""
        self.data.write_text("a file")
        said = f"xmppd: {self.file}:1: the data folder {self.data}: it is a file and no folder; "
        refusal = self.refusal()
        self.assertTrue(refusal.startswith(said), refusal)

    def test_user_to_serve_as(self) -> None:
        """What is made before the fork belongs to who serves, not to root, who can make it and has the ports."""
        if os.geteuid() != 0:
            raise SkipTest("only root can serve as another")
        self.folder.chmod(0o755)
        prepared = _prepare(self.parsed("--uid", str(NOBODY)))
        self.addCleanup(prepared.lock.release)
        self.addCleanup(prepared.ports.close)
        owners = {found.stat().st_uid for found in (self.data, *self.data.rglob("*"))}
        self.assertEqual((owners, os.geteuid()), ({NOBODY}, 0))

    def test_nobody_to_serve_as(self) -> None:
        """Users and groups that there are not, and a user who may not become another."""
        for option, name in (("uid", "user"), ("gid", "group")):
            refused = self.assertRaises(SystemExit, self.parsed, f"--{option}", "no such")
            self.assertEqual(refused.code, f"xmppd: there is no {name} no such")
        self.patch(os, "geteuid", lambda: 54321)
        refused = self.assertRaises(SystemExit, self.parsed, "--uid", "54322")
        self.assertIn(
            "only root can serve as the user 54322, and we are 54321: start it as", str(refused.code)
        )

    def test_lock_is_not_made_to_look_for_another(self) -> None:
        """Somebody else's folder stays as it is: a lock of root's would keep its server from starting."""
        self.data.mkdir(mode=0o700)
        options = Options()  # type: ignore[no-untyped-call]
        options.parent = usage.Options()
        options.parent.update({"pidfile": str(self.folder / "pid"), "chroot": None, "rundir": "."})
        options.parent.update({"uid": None, "gid": None})
        options.parseOptions(["--config", str(self.file)])
        self.assertEqual(list(self.data.iterdir()), [])

    def test_data_of_another_user(self) -> None:
        """Somebody has run the server as root once: the line says so."""
        if os.geteuid() != 0:
            return
        self.data.mkdir(mode=0o700)
        (self.data / "xmppd.lock").mkdir()
        os.chown(self.data / "xmppd.lock", 54321, -1)
        self.assertRegex(
            self.refusal(), rf"\Axmppd: {self.file}:1: .* xmppd.lock in it .* another user .*; chown -R"
        )

    def test_log_that_cannot_be_opened(self) -> None:
        """The line has the place in the configuration, the path, the reason and the remedy."""
        before = self.file.read_text()
        self.file.write_text(before + '\n[log]\nfile = "none/xmppd.log"\n')
        line = before.count("\n") + 3
        self.assertEqual(
            self.refusal(),
            f"xmppd: {self.file}:{line}: the log {self.folder / 'none/xmppd.log'} cannot be opened: "
            f"there is no {self.folder / 'none'}; name a file in a folder where this user may write",
        )

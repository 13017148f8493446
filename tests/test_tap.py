"""The process: options, what is said before the fork, and real servers from their start to their end.

The real ones are few, since each costs a second: several rules are looked at in one life.
"""

import os
import platform
import re
import select
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import IO, Any

from twisted.internet import (
    reactor as _reactor,
)  # one is there from the start, so that no test installs another
from twisted.python import usage
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.certificates import certify, common_name, dns, make_key, names_of, pem_of
from tests.environment import NET
from tests.temporary import temporary_folder
from xmppd import __version__
from xmppd.admin import options as options_module
from xmppd.admin.control.path import socket_path
from xmppd.admin.launch import main
from xmppd.admin.options import install_reactor
from xmppd.config.obstacles import user_name
from xmppd.net.transport import reactor as reactor_module
from xmppd.storage.lock import DataLock
from xmppd.tap import Options, _prepare, makeService

NOBODY = 65_534
PATIENCE_S = 20.0
TWISTD = "from twisted.scripts.twistd import run; run()"
READY = re.compile(r"Ready$")
ANEW = re.compile("Settings are read anew$")
STREAM = b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"


class TapTestCase(SynchronousTestCase):
    """A configuration of a server that disturbs no other."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)
        self.data = self.folder / "data"
        self.file = self.folder / "xmppd.toml"
        self.write()

    def write(self, *lines: str, listen: str = "127.0.0.1:0", storage: str = "sqlite:xmppd.sqlite") -> None:
        """Write the configuration, with *lines* in front of its tables."""
        text = [f'data_dir = "{self.data}"', *lines]
        text += ["[c2s]", f'listen = ["{listen}"]', 'direct_tls_listen = ["127.0.0.1:0"]']
        text += [
            "[storage]",
            f'url = "{storage}"',
            "[limits]",
            "close_timeout_s = 1.0",
            "shutdown_timeout_s = 1.0",
            "[http]",
            "listen = []",
            NET.rstrip(),
        ]
        self.file.write_text("\n".join(text))

    def parsed(self, *arguments: str) -> Options:
        """Give the options, parsed."""
        options = Options()  # type: ignore[no-untyped-call]
        options.parseOptions(["--config", str(self.file), *arguments])
        return options

    def refusal(self, *arguments: str) -> str:
        """Give the words with which a start is refused before the fork."""
        options = self.parsed(*arguments)
        refused = self.assertRaises(SystemExit, makeService, options)
        self.assertNotIn("\n", str(refused.code))
        return str(refused.code)


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


class ProcessTests(TapTestCase):
    """Real processes."""

    def start(
        self, stdout: int | IO[Any] = subprocess.PIPE, *, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start one in the foreground, as the command ``xmppd`` does."""
        process = subprocess.Popen(
            [sys.executable, "-m", "xmppd.admin.launch", "--config", str(self.file)],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env=env,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def until(self, process: subprocess.Popen[str], pattern: re.Pattern[str]) -> list[str]:
        """Read lines of its output, up to one that has *pattern*."""
        assert process.stdout is not None
        lines: list[str] = []
        while not (lines and pattern.search(lines[-1])):
            line = process.stdout.readline()
            assert line, f"no {pattern.pattern} in {lines}, but {process.communicate()[1]}"
            lines.append(line.rstrip("\n"))
        return lines

    def test_life_in_the_foreground(self) -> None:
        """Banner, ready, SIGHUP, one owner of the data, SIGTERM with every stream closed, status 0."""
        process = self.start()
        banner = "\n".join(self.until(process, READY))
        self.assertRegex(banner, r"127\.0\.0\.1:\d+ \(STARTTLS\)\n +127\.0\.0\.1:\d+ \(TLS\)\n")
        self.assertIn(f"data in       {self.data}\n", banner)
        self.assertRegex(banner, r"localhost \(made here\) SHA-256 (..:){31}..\n")
        self.assertIn(f"xmppctl --config {self.file} user add alice@localhost\n", banner)
        self.assertNotIn("twisted.", banner)
        self.assertEqual(self.data.stat().st_mode & 0o777, 0o700)

        second = self.start()
        out, err = second.communicate(timeout=PATIENCE_S)
        self.assertEqual((second.returncode, out), (1, ""))
        self.assertRegex(err, rf"\Axmppd: process {process.pid} already works with the data folder[^\n]*\n\Z")

        self.file.write_text("data_dir = 5\n")
        process.send_signal(signal.SIGHUP)
        self.until(process, re.compile("error .*The configuration has mistakes: the old settings stay$"))
        self.write()
        self.file.write_text(self.file.read_text() + '\n[log]\nlevel = "debug"\n')
        process.send_signal(signal.SIGHUP)
        self.until(process, ANEW)

        found = re.search(r"127\.0\.0\.1:(\d+) \(STARTTLS\)", banner)
        assert found is not None
        with socket.create_connection(("127.0.0.1", int(found[1])), timeout=PATIENCE_S) as client:
            client.sendall(STREAM)
            received = b""
            while b"</stream:features>" not in received:
                received += client.recv(4096)
            process.send_signal(signal.SIGTERM)
            received = b"".join(iter(lambda: client.recv(4096), b""))
        self.assertIn(b"<system-shutdown", received)
        self.assertTrue(received.endswith(b"</stream:stream>"))
        out, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual((process.returncode, err), (0, ""))
        self.assertEqual(out.count("Stopped"), 1)

    def test_flawed_certificates(self) -> None:
        """Those that can be shown are, and a start and a reload say what is wrong with each, as ``check`` does."""
        now = datetime.now(UTC)
        day, key = timedelta(days=1), make_key()
        folder = self.folder / "c"
        hosts = {  # which names, from when to when, and what is said
            "old.example": ("old.example", -9 * day, -day, "it was valid until "),
            "early.example": ("early.example", day, 90 * day, "it is valid from "),
            "other.example": (
                "wrong.example",
                -day,
                90 * day,
                "it is for wrong.example and not for other.example",
            ),
            "soon.example": ("soon.example", -day, 9 * day, "it expires within two weeks, on "),
            "two.example": ("two.example", -day, 40 * day, ""),
            "two.example-0001": ("two.example", -day, 90 * day, "certbot has two certificates for it"),
        }
        tables = []
        for host, (name, begins, ends, _) in hosts.items():
            (folder / host).mkdir(parents=True)
            certificate = certify(
                key, common_name(name), now + begins, now + ends, extensions=[names_of(dns(name))]
            )
            (folder / host / "fullchain.pem").write_bytes(pem_of(certificate))
            (folder / host / "privkey.pem").write_bytes(pem_of(key))
            tables += [] if host.endswith("-0001") else [f'[hosts."{host}"]']
        text = [self.file.read_text(), '[tls]\ncertificates = "c"', "[s2s]\nenabled = false", *tables]
        self.file.write_text("\n".join(text))
        process = self.start()
        started = [line for line in self.until(process, READY) if "fullchain.pem" in line]
        process.send_signal(signal.SIGHUP)
        reread = [line for line in self.until(process, ANEW) if "fullchain.pem" in line]
        for lines in (started, reread):
            told = [said for _, _, _, said in hosts.values() if said]
            self.assertEqual(len(lines), len(told), lines)
            for said, line in zip(told, lines, strict=True):
                self.assertIn(f": {said}", line)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE_S), 0)

    def test_output_that_cannot_be_written(self) -> None:
        """A full disk below what a start tells, and below the log, keeps no server from running and ending well."""
        with open("/dev/full", "w") as full:
            process = self.start(full)
        control = socket_path(self.data)
        deadline = time.monotonic() + PATIENCE_S
        while not control.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertTrue(control.exists(), "it runs")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual((process.returncode, err), (0, ""))

    def test_client_that_does_not_answer(self) -> None:
        """SIGINT ends a server within limits.shutdown_timeout_s although a client stays; status 0. Before that, it has
        warned of a data folder that is open to others."""
        self.data.mkdir()
        self.data.chmod(0o750)
        process = self.start()
        banner = "\n".join(self.until(process, READY))
        self.assertIn(
            f" warn xmppd.tap The data folder is open to others (mode 0750): chmod 700 {self.data}\n", banner
        )
        found = re.search(r"127\.0\.0\.1:(\d+) \(TLS\)", banner)
        assert found is not None
        with socket.create_connection(("127.0.0.1", int(found[1])), timeout=PATIENCE_S):
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual((process.returncode, err), (0, ""))

    def test_pid_file_that_was_left_over(self) -> None:
        """The number in it is another process's by now: one line says what to do."""
        (self.folder / "twistd.pid").write_text(str(os.getpid()))
        refused = self.twistd()
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        named = rf"process {os.getpid()}, which {self.folder / 'twistd.pid'} names"
        self.assertRegex(refused.stderr, rf"\Axmppd: {named}, is alive.*: remove the file [^\n]*\n\Z")

    def twistd(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Start one as a daemon, without a standard input (``<&-``); gives what the shell gets."""
        command = (sys.executable, "-c", TWISTD, *options, "xmppd", "--config", str(self.file))
        return subprocess.run(
            ["sh", "-c", 'exec "$@" <&-', "sh", *command],
            capture_output=True,
            text=True,
            cwd=self.folder,
            timeout=PATIENCE_S,
            check=False,
        )

    def test_life_of_a_daemon(self) -> None:
        """The shell gets the banner and status 0; the log is in the data folder; SIGTERM ends it. For a second one
        it is the data folder that counts, before the ``twistd.pid`` of which twistd would tell in four lines. That the
        shell has closed standard input takes no descriptor away from the reactor. That root serves is said once."""
        started = self.twistd()
        self.assertEqual((started.returncode, started.stderr), (0, ""))
        self.assertIn(f"log in        {self.data / 'xmppd.log'}\n", started.stdout)
        pid = int((self.data / "xmppd.lock").read_text())
        self.addCleanup(_kill, pid)
        descriptor = os.pidfd_open(pid)
        self.addCleanup(os.close, descriptor)

        refused = self.twistd()
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertRegex(refused.stderr, rf"\Axmppd: process {pid} already works with [^\n]*\n\Z")

        refused = self.twistd("-n")
        self.assertEqual((refused.returncode, refused.stdout), (1, ""))
        self.assertRegex(refused.stderr, rf"\Axmppd: process {pid} already works with [^\n]*\n\Z")

        os.kill(pid, signal.SIGTERM)
        ended, _, _ = select.select([descriptor], [], [], PATIENCE_S)
        self.assertEqual(ended, [descriptor])
        log = (self.data / "xmppd.log").read_text().splitlines()
        begins = f" info xmppd.tap xmppd {__version__} starts on Python {platform.python_version()}, Twisted "
        self.assertIn(begins, log[0])
        self.assertIn(" OpenSSL ", log.pop(0))
        self.assertRegex(
            log.pop(0), rf"It will listen on 127\.0\.0\.1:\d+ \(STARTTLS\), .*; its data are in {self.data}$"
        )
        if os.geteuid() == 0:
            self.assertIn(" warn xmppd.tap The server runs as root", log.pop(0))
        self.assertEqual([line.rsplit(" ", 1)[-1] for line in log], ["Ready", "Stopping", "Stopped"])

    def test_folder_whose_name_is_no_text(self) -> None:
        """A path that is no UTF-8 is a path: served, shown as it is, and found by xmppctl."""
        self.file.write_text(
            '[http]\nlisten = []\n[c2s]\nlisten = ["127.0.0.1:0"]\ndirect_tls_listen = []\n' + NET
        )
        data = os.fsencode(self.folder) + b"/d\xfft\xe4"
        env = {**os.environ, "XMPPD_DATA": os.fsdecode(data), "PYTHONIOENCODING": "utf-8"}
        with open(self.folder / "output", "wb+") as output:
            process = self.start(output, env=env)
            deadline = time.monotonic() + PATIENCE_S
            while b"Ready" not in (told := (self.folder / "output").read_bytes()):
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)
        self.assertIn(b"data in       " + data + b"\n", told)
        command = [sys.executable, "-m", "xmppd.admin.xmppctl", "status"]
        status = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False, env=env)
        self.assertEqual((status.returncode, status.stderr), (0, b""))
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE_S)
        self.assertEqual((process.returncode, err), (0, ""))

    def test_working_folder_that_is_gone(self) -> None:
        """One line, and status 1, before anything is told."""
        gone = self.folder / "gone"
        gone.mkdir()
        for program in ("xmppd.admin.launch", "xmppd.admin.xmppctl"):
            command = f"cd {gone} && rmdir {gone} && exec {sys.executable} -m {program} --config {self.file}"
            refused = subprocess.run(
                ["sh", "-c", command + " status" * program.endswith("ctl")],
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=False,
            )
            self.assertEqual((refused.returncode, refused.stdout), (1, ""))
            self.assertRegex(
                refused.stderr, r"\Axmpp.*: the working folder is gone .*: cd to another [^\n]*\n\Z"
            )
            gone.mkdir()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return

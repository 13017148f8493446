"""The process: real servers from their start to their end.

They are few, since each costs a second: several rules are looked at in one life.
"""

import os
import platform
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import IO, Any

from tests.certificates import certify, common_name, dns, make_key, names_of, pem_of
from tests.environment import NET
from tests.tap import PATIENCE_S, TapTestCase
from xmppd import __version__
from xmppd.admin.control.path import socket_path

TWISTD = "from twisted.scripts.twistd import run; run()"
READY = re.compile(r"Ready$")
ANEW = re.compile("Settings are read anew$")
STREAM = b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"


class ProcessTests(TapTestCase):
    """In the foreground, and as a daemon."""

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

"""Checks of the configuration and of listeners, each identifier with its place and remedy; how checks are run."""

import errno
import json
import os
import socket
from pathlib import Path
from typing import Annotated

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text, quiet_machine
from tests.temporary import temporary_folder
from xmppd.admin.check.machine import is_running, try_to_bind
from xmppd.admin.check.report import EXIT_FINE, EXIT_PROBLEMS, exit_status, render
from xmppd.admin.check.run import CHECK_NAMES, UnknownCheck, run_checks
from xmppd.admin.control.path import socket_path
from xmppd.config.fields import Field
from xmppd.config.findings import Finding
from xmppd.config.modules import KnownModule
from xmppd.config.section import Address
from xmppd.config.table import Table

SERVED = '[hosts."a.example"]\n'
SEED = """\
[hosts."bad_host name"]
[hosts."xn--bcher-kva.example"]
[hosts."bücher.test"]
[components."xn--bcher-kva.test"]
[components."Chat.example"]
"""

# a text, the check, identifier, severity, line, a word of the reason, a word of the remedy
ROWS = [
    ("limit = 1\n", "config", "config.unknown-key", "error", 1, "no such", "limits?"),
    ('[tls]\nciphers = "NONE"\n', "config", "config.bad-ciphers", "error", 2, "OpenSSL", "openssl ciphers"),
    (
        '\n[hosts."localhost".tls]\nciphers = "X"\n',
        "config",
        "config.bad-ciphers",
        "error",
        3,
        "no cipher",
        "remove",
    ),
    (
        '[log]\nfile = "none/x.log"\n',
        "config",
        "log.file",
        "error",
        2,
        "there is no /",
        "may write",
    ),
    (
        '[log]\nfile = "/"\n',
        "config",
        "log.file",
        "error",
        2,
        "it is a folder and no file",
        "may write",
    ),
    (
        '[components."a.example"]\nmodule = "x"\n[components."a.example".tls]\nciphers = "X"\n',
        "config",
        "config.bad-ciphers",
        "error",
        4,
        "no cipher",
        "remove",
    ),
    (SERVED, "config", "config.loopback-only", "warning", 1, "this machine alone", "0.0.0.0:5222"),
    (
        SERVED + "[c2s]\nlisten = ['127.0.0.1:1']\n",
        "config",
        "config.loopback-only",
        "warning",
        3,
        "alone",
        "[::]",
    ),
    (
        '[hosts."a_b.example"]\n',
        "names",
        "name.characters",
        "error",
        1,
        "underscore",
        '[hosts."a-b.example"]',
    ),
    (
        '[hosts."xmpp.a.example"]\n',
        "names",
        "name.machine",
        "warning",
        1,
        "@xmpp.a.example",
        '[hosts."a.example"]',
    ),
]

REFUSALS = [
    (errno.EADDRINUSE, "listener.in-use", "ss -tlnp"),
    (errno.EACCES, "listener.not-permitted", "CAP_NET_BIND_SERVICE"),
    (errno.EADDRNOTAVAIL, "listener.no-address", "ip address"),
    (errno.EAFNOSUPPORT, "listener.no-address", "remove"),
    (errno.EIO, "listener.failed", "another address"),
]


class PingOptions(Table):
    """A module's options."""

    every_s: Annotated[int, Field(ge=1)] = 60


class ConfigurationTests(SynchronousTestCase):
    """The configuration and the names in it."""

    def test_rows(self) -> None:
        """Each mistake is one finding with its place, reason and remedy."""
        for text, check, identifier, severity, line, word, remedy in ROWS:
            folder = temporary_folder(self)
            found = check_text(folder, text, None, check)
            self.assertEqual([(f.id, f.severity) for f in found], [(identifier, severity)], text)
            self.assertEqual(found[0].place, f"{folder / 'xmppd.toml'}:{line}")
            self.assertIn(word, found[0].why)
            self.assertIn(remedy, found[0].remedy)

    def test_seed(self) -> None:
        """Wrong names of hosts and components are told with their right spelling, right ones are not."""
        folder = temporary_folder(self)
        found = check_text(folder, SEED, None, "names")
        self.assertEqual(
            [(f.id, f.place.rpartition(":")[2], f.remedy.partition(" (")[0]) for f in found],
            [
                ("name.characters", "1", 'write [hosts."bad-host-name"]'),
                ("name.a-label", "2", 'write [hosts."bücher.example"]'),
                ("name.a-label", "4", 'write [components."bücher.test"]'),
                ("name.duplicate", "4", "join the two tables, or rename one"),
                ("name.case", "5", 'write [components."chat.example"]'),
            ],
        )
        self.assertEqual(exit_status(found), EXIT_PROBLEMS)

    def test_modules(self) -> None:
        """With the modules that there are, unknown ones and wrong options are told."""
        file = temporary_folder(self) / "x.toml"
        file.write_text("[modules.pong]\n[modules.ping]\nevery_s = 0\n")
        found = run_checks(
            file, {}, only=["config"], modules={"ping": KnownModule(PingOptions)}, machine=quiet_machine()
        )
        self.assertEqual(
            [(f.id, f.place) for f in found],
            [("config.unknown-module", f"{file}:1"), ("config.out-of-range", f"{file}:3")],
        )
        self.assertEqual(run_checks(file, {}, only=["config"], machine=quiet_machine()), [])

    def test_goes_on(self) -> None:
        """A mistake in the file does not hide what else is wrong."""
        text = (
            "rubbish = 1\n[hosts.'a.example']\ncertificate = 'absent.pem'\n[c2s]\nlisten = ['192.0.2.1:1']\n"
        )
        found = check_text(temporary_folder(self), text, free_bytes=lambda folder: 1)
        self.assertEqual(
            {f.id for f in found},
            {
                "config.unknown-key",
                "certificate.unreadable",
                "data.no-space",
                "dns.wrong-service",
                "dns.ip-version",
            },
        )

    def test_unreadable(self) -> None:
        """A file that cannot be read at all is one finding, whatever was asked for."""
        found = run_checks(temporary_folder(self) / "absent", {}, only=["names"])
        self.assertEqual([f.id for f in found], ["config.unreadable"])


class ListenerTests(SynchronousTestCase):
    """Whether the addresses can be listened on."""

    TEXT = "[c2s]\nlisten = [\n'127.0.0.1:1',\n'[::1]:1']\ndirect_tls_listen = []\n[http]\nlisten = []\n"

    def test_refusals(self) -> None:
        """What the system says against an address is told at its line."""
        for code, identifier, remedy in REFUSALS:

            def refuse(address: Address, code: int = code) -> None:
                if address.is_ipv6:
                    raise OSError(code, os.strerror(code))

            folder = temporary_folder(self)
            found = check_text(folder, self.TEXT, None, "listeners", try_to_bind=refuse)
            self.assertEqual(
                [(f.id, f.severity, f.place) for f in found],
                [(identifier, "error", f"{folder / 'xmppd.toml'}:4")],
            )
            self.assertIn(remedy, found[0].remedy)

    def test_of_every_kind(self) -> None:
        """What the server would listen on is tried, whatever it is for: a start must not be the first to fail."""
        text = (
            "[components]\nlisten = ['192.0.2.1:4']\n[components.'gateway.example.org']\nsecret = 'x'\n"
            "[metrics]\nlisten = ['192.0.2.1:3']\n[s2s]\nlisten = ['192.0.2.1:2']\n[hosts.'example.org']\n"
        )

        def refuse(address: Address) -> None:
            if address.host == "192.0.2.1":
                raise OSError(errno.EADDRNOTAVAIL, "not here")

        found = check_text(temporary_folder(self), text, None, "listeners", try_to_bind=refuse)
        self.assertEqual(
            {each.what for each in found},
            {
                '"192.0.2.1:2" in s2s.listen',
                '"192.0.2.1:3" in metrics.listen',
                '"192.0.2.1:4" in components.listen',
            },
        )

    def test_our_own(self) -> None:
        """A port in use by the server of the same data folder is fine."""
        asked: list[Path] = []

        def refuse(address: Address) -> None:
            raise OSError(errno.EADDRINUSE, "in use")

        def is_ours(data_dir: Path) -> bool:
            asked.append(data_dir)
            return True

        folder = temporary_folder(self)
        found = check_text(folder, self.TEXT, None, "listeners", try_to_bind=refuse, is_running=is_ours)
        self.assertEqual((found, asked), ([], [folder / "data"] * 2))

    def test_defaults_without_ipv6(self) -> None:
        """By default a machine without IPv6 is warned only; the place is the file as a whole."""

        def refuse(address: Address) -> None:
            if address.is_ipv6:
                raise OSError(errno.EADDRNOTAVAIL, "no")

        folder = temporary_folder(self)
        found = check_text(folder, "", None, "listeners", try_to_bind=refuse)
        self.assertEqual([f.severity for f in found], ["warning"] * 3)
        self.assertEqual({f.place for f in found}, {str(folder / "xmppd.toml")})
        self.assertIn("by default", found[0].what)

    def test_real_ports(self) -> None:
        """A port that somebody listens on is refused, a free one and one left behind are not."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = Address("127.0.0.1", server.getsockname()[1])
            self.assertRaises(OSError, try_to_bind, address)
        try_to_bind(address)

    def test_running_server(self) -> None:
        """A server runs where something answers on the control socket of its data folder."""
        folder = temporary_folder(self)
        self.assertFalse(is_running(folder))
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.fspath(socket_path(folder)))
            self.assertFalse(is_running(folder))
            server.listen()
            self.assertTrue(is_running(folder))


class RunTests(SynchronousTestCase):
    """promises#checked-before: choosing checks."""

    def test_unknown_check(self) -> None:
        """A check that there is not is wrong usage, and all that there are are named."""
        problem = self.assertRaises(UnknownCheck, run_checks, None, {}, only=["weather"])
        for name in CHECK_NAMES:
            self.assertIn(name, str(problem))

    def test_defaults(self) -> None:
        """An untouched server has no mistakes, offline or not."""
        env = {"XMPPD_DATA": str(temporary_folder(self) / "data")}
        for offline in (False, True):
            self.assertEqual(run_checks(None, env, offline=offline, machine=quiet_machine()), [])


class ReportTests(SynchronousTestCase):
    """Showing findings."""

    ERROR = Finding("config.x", "error", "F:1", "what", "why", "remedy")
    WARNING = Finding("config.y", "warning", "F:2", "what\n\x1b[2J", "why", "remedy")

    def test_lines(self) -> None:
        """A line for each finding, without control characters, and one that sums up."""
        self.assertEqual(
            render([self.ERROR, self.WARNING, self.WARNING], False).splitlines(),
            [
                "error: F:1: what: why; remedy [config.x]",
                "warning: F:2: what\\n\\x1b[2J: why; remedy [config.y]",
                "warning: F:2: what\\n\\x1b[2J: why; remedy [config.y]",
                "1 error, 2 warnings",
            ],
        )
        self.assertEqual(render([], False), "no mistakes found")

    def test_json(self) -> None:
        """The JSON object has the findings, their numbers and the status."""
        shown = json.loads(render([self.ERROR, self.WARNING], True))
        self.assertEqual((shown["status"], shown["errors"], shown["warnings"]), (2, 1, 1))
        self.assertEqual(shown["findings"], [self.ERROR.to_dict(), self.WARNING.to_dict()])
        self.assertEqual(json.loads(render([], True))["status"], 0)

    def test_status(self) -> None:
        """Errors give 2; warnings alone, and nothing, give 0."""
        self.assertEqual(exit_status([self.ERROR]), EXIT_PROBLEMS)
        self.assertEqual(exit_status([self.WARNING]), EXIT_FINE)
        self.assertEqual(exit_status([]), EXIT_FINE)

"""Mistakes that were planted, one by one, into a configuration and a machine on which all is well; each is found."""

import errno
import os
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import NOW, check_text
from tests.temporary import temporary_folder
from xmppd.admin.check.report import EXIT_FINE, EXIT_PROBLEMS, exit_status
from xmppd.admin.check.stranger import NoTLS, Seen
from xmppd.admin.settings import known_modules
from xmppd.config.section import Address
from xmppd.core.outgoing import Pin, Service
from xmppd.net.tls.self_signed import make_self_signed
from xmppd.storage.sqlite.schema import bring_up

CLEAN = """\
admins = ["root@example.org"]
[hosts."example.org"]
[components."rooms.example.org"]
module = "muc"
[c2s]
listen = ["192.0.2.1:5222", "[2001:db8::1]:5222"]
direct_tls_listen = []
[s2s]
listen = ["192.0.2.1:5269", "[2001:db8::1]:5269"]
[tls]
certificates = "certificates"
[modules.mam]
"""
"""Line by line: what is planted stands below it, or in place of one of these."""
LINES = CLEAN.count("\n")


def _refuse(number: int) -> Callable[[Address], None]:
    def bind(address: Address) -> None:
        if address.port == 5222 and not address.is_ipv6:
            raise OSError(number, os.strerror(number))

    return bind


def _services(**records: Service) -> Callable[..., Any]:
    return lambda name, servers: [
        record for kind, record in records.items() if name == f"_{kind.replace('_', '-')}._tcp.example.org"
    ]


def _no_tls(*args: object) -> Seen:
    raise NoTLS("the server does not offer STARTTLS")


def _closed(*args: object) -> Seen:
    raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")


@dataclass(frozen=True)
class Planted:
    """One mistake: what is written, or what the machine says, and what must be found at which line."""

    id: str
    line: int | None = None
    """Of the configuration; None for what stands elsewhere."""
    below: str = ""
    """What is written at the end."""
    instead: tuple[str, str] = ("", "")
    """What is written in place of something."""
    machine: Mapping[str, Any] = field(default_factory=dict)
    spoil: Callable[[Path], object] | None = None
    """What is done to the data folder."""
    severity: str = "error"


def _data(folder: Path, do: Callable[[Path], object]) -> None:
    folder.mkdir(mode=0o700)
    do(folder)


def _database(folder: Path) -> sqlite3.Connection:
    bring_up(folder / "xmppd.sqlite")
    return sqlite3.connect(folder / "xmppd.sqlite", isolation_level=None)


def _damaged(folder: Path) -> None:
    with closing(_database(folder)):
        pass
    with (folder / "xmppd.sqlite").open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xff" * 4_096)


def _too_new(folder: Path) -> None:
    with closing(_database(folder)) as connection:
        connection.execute("PRAGMA user_version = 999")


def _left_over(folder: Path) -> None:
    with closing(_database(folder)) as connection:
        connection.execute(
            "INSERT INTO kv (store, owner, key, value) VALUES ('accounts', 'old.example', 'a', x'00')"
        )


def _self_made(folder: Path) -> None:
    files = folder / "certificates"
    files.mkdir(mode=0o700)
    make_self_signed("example.org", files / "example.org.crt", files / "example.org.key", NOW)


RUNNING = {"is_running": lambda data_dir: True}
PLANTED = (
    # the file
    Planted("config.syntax", LINES + 1, "hosts = [\n"),
    Planted("config.unknown-key", LINES + 1, "[limts]\n"),
    Planted("config.unknown-key", 5, instead=("[c2s]\n", "[c2z]\n")),
    Planted("config.wrong-type", LINES + 2, "[limits]\nroster_items = '5'\n"),
    Planted("config.out-of-range", LINES + 2, "[limits]\nroster_items = 0\n"),
    Planted("config.bad-value", LINES + 2, "[log]\nlevel = 'verbose'\n"),
    Planted("config.bad-port", 6, instead=("192.0.2.1:5222", "192.0.2.1:99999")),
    Planted("config.bad-address", 6, instead=("192.0.2.1:5222", "everywhere:5222")),
    Planted("config.bad-jid", 1, instead=("root@example.org", "root")),
    Planted("config.bad-jid", 1, instead=("root@example.org", "root@rooms.example.org")),
    Planted("config.bad-storage", LINES + 2, "[storage]\nurl = 'mysql:x'\n"),
    Planted("config.duplicate-listener", 9, instead=("192.0.2.1:5269", "192.0.2.1:5222")),
    Planted("config.server-wide-option", LINES + 1, '[hosts."b.example.org".storage]\nurl = "memory:"\n'),
    Planted("config.unquoted-name", LINES + 1, "[hosts.chat.example.net]\n"),
    Planted("config.unknown-module", LINES + 1, "[modules.mod_ping]\n"),
    Planted("config.unknown-key", LINES + 1, "keep_dayz = 1\n"),
    Planted("config.no-effect", LINES + 2, "[modules.muc]\nenabled = true\n", severity="warning"),
    Planted("config.unknown-module", 4, instead=('module = "muc"', 'module = "mucc"')),
    Planted("config.missing-key", LINES + 1, '[components."irc.example.org"]\n'),
    Planted(
        "config.weak-secret", LINES + 2, '[components."irc.example.org"]\nsecret = "x"\n', severity="warning"
    ),
    Planted(
        "config.unknown-host",
        LINES + 3,
        '[components."irc.example.net"]\nmodule = "muc"\nhost = "exmple.org"\n',
    ),
    Planted(
        "config.unlinked-component",
        LINES + 1,
        '[components."irc.example.net"]\nmodule = "muc"\n',
        severity="warning",
    ),
    Planted(
        "config.plain-passwords",
        6,
        instead=("[c2s]\n", "[c2s]\nallow_plain_without_tls = true\nrequire_tls = false\n"),
        severity="warning",
    ),
    Planted(
        "config.untrusted-servers",
        9,
        instead=("[s2s]\n", "[s2s]\nrequire_certificate = false\n"),
        severity="warning",
    ),
    Planted(
        "config.open-registration",
        LINES + 2,
        "[modules.register]\nallow_registration = true\n",
        severity="warning",
    ),
    Planted("config.volatile", LINES + 2, "[storage]\nurl = 'memory:'\n", severity="warning"),
    Planted("config.disabled", LINES + 2, '[hosts."b.example.org"]\nenabled = false\n', severity="note"),
    Planted(
        "config.no-host", 3, instead=('[hosts."example.org"]\n', '[hosts."example.org"]\nenabled = false\n')
    ),
    Planted("config.unknown-operation", LINES + 2, '[rights]\n"user.ad" = "member"\n'),
    Planted(
        "config.loopback-only",
        6,
        severity="warning",
        instead=('"192.0.2.1:5222", "[2001:db8::1]:5222"', '"127.0.0.1:5222", "[::1]:5222"'),
    ),
    # names
    Planted("name.characters", LINES + 1, '[hosts."bad_host name"]\n'),
    Planted("name.a-label", LINES + 1, '[hosts."xn--bcher-kva.example"]\n'),
    Planted("name.a-label", LINES + 1, '[components."xn--bcher-kva.example.org"]\nmodule = "muc"\n'),
    Planted("name.duplicate", LINES + 1, '[components."example.org"]\nmodule = "muc"\n'),
    Planted("name.machine", LINES + 1, '[hosts."xmpp.example.net"]\n', severity="warning"),
    # certificates
    Planted("certificate.no-folder", 11),
    # listeners
    Planted("listener.in-use", 6, machine={"try_to_bind": _refuse(errno.EADDRINUSE)}),
    Planted("listener.not-permitted", 6, machine={"try_to_bind": _refuse(errno.EACCES)}),
    Planted("listener.no-address", 6, machine={"try_to_bind": _refuse(errno.EADDRNOTAVAIL)}),
    # DNS
    Planted("dns.not-found", 2, machine={"addresses": lambda name, servers: ()}, severity="warning"),
    Planted(
        "dns.wrong-service",
        2,
        machine={"services": _services(xmpp_client=Service(0, 0, 5999, "x.example.org"))},
        severity="warning",
    ),
    Planted(
        "dns.no-address",
        2,
        machine={
            "services": _services(xmpp_client=Service(0, 0, 5222, "gone.example.org")),
            "addresses": lambda name, servers: (
                () if name.startswith("gone") else ("192.0.2.1", "2001:db8::1")
            ),
        },
    ),
    Planted("dns.loopback", 2, machine={"addresses": lambda name, servers: ("127.0.1.1",)}),
    Planted("dns.private", 2, machine={"addresses": lambda name, servers: ("10.1.2.3",)}, severity="warning"),
    Planted("dns.elsewhere", 2, machine={"own_addresses": lambda: ("198.51.100.7",)}, severity="warning"),
    Planted(
        "dns.ip-version",
        2,
        severity="warning",
        instead=('listen = ["192.0.2.1:5222", "[2001:db8::1]:5222"]', 'listen = ["192.0.2.1:5222"]'),
    ),
    Planted(
        "dns.service-not-found",
        3,
        severity="warning",
        machine={"addresses": lambda n, s: () if n.startswith("rooms") else ("192.0.2.1", "2001:db8::1")},
    ),
    Planted(
        "dns.tlsa-mismatch",
        2,
        instead=('certificates = "certificates"\n', ""),
        machine={"pins": lambda host, port, servers: (Pin(3, 1, 1, bytes(32)),)},
        spoil=_self_made,
        severity="warning",
    ),
    # the data folder
    Planted("data.mode", spoil=lambda folder: folder.chmod(0o755)),
    Planted("data.no-space", machine={"free_bytes": lambda folder: 1}),
    Planted("data.low-space", machine={"free_bytes": lambda folder: 50_000_000}, severity="warning"),
    Planted("data.no-inodes", machine={"free_inodes": lambda folder: 3}),
    Planted("data.not-ours", spoil=lambda folder: (folder / "xmppd.sqlite").write_bytes(b"no database")),
    Planted("data.damaged", spoil=_damaged),
    Planted("data.too-new", spoil=_too_new),
    Planted("data.host-not-served", spoil=_left_over, severity="warning"),
    Planted("data.wrong-kind", spoil=lambda folder: (folder / "certificates").write_bytes(b"")),
    # the system
    Planted(
        "system.clock-behind",
        spoil=_damaged,
        machine={"now": lambda: NOW - timedelta(days=20_000)},
    ),
    Planted("system.clock-not-set", machine={"clock_is_set": lambda: False}, severity="warning"),
    Planted(
        "system.few-descriptors", machine={"descriptor_limit": lambda data_dir: 1_024}, severity="warning"
    ),
    # what strangers see
    Planted("tls.not-offered", 2, machine={**RUNNING, "look": _no_tls}),
    Planted("tls.no-connection", 6, machine={**RUNNING, "look": _closed}),
    Planted(
        "tls.not-trusted",
        2,
        machine={**RUNNING, "look": lambda *args: Seen("TLSv1.3", b"", "self-signed certificate")},
        severity="warning",
    ),
)


class PlantedTests(SynchronousTestCase):
    """`xmppctl check` as a whole."""

    def look(self, planted: Planted, text: str) -> list[Any]:
        """Plant a mistake and look for all that can be found."""
        folder = temporary_folder(self)
        if planted.id != "certificate.no-folder":
            (folder / "certificates").mkdir()
        if planted.spoil is not None:
            _data(folder / "data", planted.spoil)
        return check_text(folder, text, None, modules=known_modules(), **planted.machine)

    def test_clean(self) -> None:
        """Where all is well but for the certificates, which are there to be got, nothing else is found."""
        found = [each for each in self.look(Planted("none"), CLEAN) if not each.id.startswith("certificate.")]
        self.assertEqual(found, [])
        local = check_text(temporary_folder(self), "", None, modules=known_modules())
        self.assertEqual((local, exit_status(local)), ([], EXIT_FINE))

    def test_each_is_found(self) -> None:
        """With the file and line where it stands, a reason and a remedy, and the status that it deserves."""
        self.assertGreaterEqual(len(PLANTED), 40)
        wrong: list[Any] = []
        for planted in PLANTED:
            text = CLEAN.replace(*planted.instead) + planted.below
            self.assertNotEqual(
                (text, planted.machine, planted.spoil, planted.id == "certificate.no-folder"),
                (CLEAN, {}, None, False),
                planted.id,
            )
            all_found = self.look(planted, text)
            found = [each for each in all_found if each.id == planted.id]
            places = [each.place.rpartition("/")[2] for each in found]
            right = f"xmppd.toml:{planted.line}" in places if planted.line is not None else bool(places)
            status = EXIT_PROBLEMS if planted.severity == "error" else EXIT_FINE
            right = right and {each.severity for each in found} == {planted.severity}
            right = right and all(each.why and each.remedy for each in found) and exit_status(found) == status
            if not right:
                wrong.append((planted, [str(each) for each in all_found]))
        self.assertEqual(wrong, [], wrong[:1])

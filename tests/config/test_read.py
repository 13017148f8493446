"""Reading a configuration: the defaults, paths, and each mistake with its place, reason and remedy."""

import json
import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.admin.xmppctl.locate import data_folder
from xmppd.config.findings import ConfigErrors, Finding
from xmppd.config.read import examine, examine_text, load, parse
from xmppd.config.section import Address

# a text with one mistake, its identifier, its line, a word of what and why, a word of the remedy
MISTAKES = [
    ("x = 1\n[c2s\n", "config.syntax", 2, "expected ']'", "correct"),
    ("data_dir = xmppd\n", "config.syntax", 1, "invalid value", "in quotes"),
    ("[log]\n[c2s]\n[log]\n", "config.syntax", 3, "[log] twice, the first time in line 1", "join"),
    (
        '\n[hosts."a.example"]\n[log]\n[hosts."a.example"]\n',
        "config.syntax",
        4,
        '[hosts."a.example"] twice, the first time in line 2',
        "join",
    ),
    ('[log]\nlevel = "info"\nlevel = "warn"\n', "config.syntax", 3, "overwrite", "remove one"),
    ('data_dir = "a\n', "config.syntax", 1, "no TOML", "close the quotes"),
    ("x = 1\ny = " + "9" * 5_000, "config.syntax", 2, "too many digits", "correct"),
    ('[log]\n\n"""', "config.syntax", 3, "no TOML", "KEY = VALUE"),
    ("x = " + "[" * 20_000, "config.syntax", 1, "too many", "correct"),
    ("[limits]\nstanza_byte = 1\n", "config.unknown-key", 2, "limits.stanza_byte", "limits.stanza_bytes?"),
    ("require_tls = true\n", "config.unknown-key", 1, "require_tls", "c2s.require_tls?"),
    ("[c2s]\nstanza_bytes = 1\n", "config.unknown-key", 2, "c2s.stanza_bytes", "limits.stanza_bytes?"),
    ("\n[limit]\n", "config.unknown-key", 2, "limit", "limits?"),
    ("[entirely.elsewhere]\n", "config.unknown-key", 1, "entirely", "remove it"),
    ('certificate = "x"\n', "config.unknown-key", 1, "certificate", "hosts.NAME.certificate?"),
    ('[hosts."a.example"]\nkex = "x"\n', "config.unknown-key", 2, "kex", 'hosts."a.example".key?'),
    ('[hosts."a.example".limts]\n', "config.unknown-key", 1, "limts", 'hosts."a.example".limits?'),
    ("[hosts.a.example]\nauth = 'internal'\n", "config.unquoted-name", 1, "dot", '[hosts."a.example"]'),
    ("[hosts.b.a.example]\n", "config.unquoted-name", 1, "dot", '[hosts."b.a.example"]'),
    ("[components.b.a.example]\n", "config.unquoted-name", 1, "dot", '[components."b.a.example"]'),
    ('[hosts."a.example".c2s]\nlisten = []\n', "config.server-wide-option", 2, "whole server", "c2s.listen"),
    ('[hosts."a.example"]\nlog = {}\n', "config.server-wide-option", 2, "whole server", "as log"),
    ("[c2s]\nrequire_tls = 1\n", "config.wrong-type", 2, "true or false is wanted", "require_tls = true"),
    ("[limits]\nroster_items = '5'\n", "config.wrong-type", 2, "whole number", "roster_items = 20000"),
    ("[limits]\nroster_items = 5.5\n", "config.wrong-type", 2, "whole number", "roster_items = 20000"),
    ("[limits]\nroster_items = true\n", "config.wrong-type", 2, "whole number", "roster_items = 20000"),
    ("[limits]\nclose_timeout_s = '5'\n", "config.wrong-type", 2, "a number", "close_timeout_s = 5.0"),
    ("[c2s]\nlisten = '127.0.0.1:1'\n", "config.wrong-type", 2, "a list", 'listen = ["127.0.0.1:5222"'),
    ("[c2s]\nlisten = [5222]\n", "config.wrong-type", 2, "text in quotes", '"127.0.0.1:5222"'),
    ("log = 5\n", "config.wrong-type", 1, "a table", "a table"),
    ("hosts = 5\n", "config.wrong-type", 1, "a table for each name", '[hosts."NAME"]'),
    ('[hosts]\n"a.example" = 5\n', "config.wrong-type", 2, "a table", "a table"),
    ('[components]\n"a.example" = 5\n', "config.wrong-type", 2, "a table", "a table"),
    ('[components."a.example"]\nsecret = 12345\n', "config.wrong-type", 2, "(secret)", "in quotes"),
    ("modules = 1\n", "config.wrong-type", 1, "a table", "a table"),
    ("[modules.ping]\nenabled = 1\n", "config.wrong-type", 2, "true or false", "true or false"),
    ("admins = 'a@b.example'\n", "config.wrong-type", 1, "a list", "a list"),
    ("[log]\nfile = 5\n", "config.wrong-type", 2, "a path", "path in quotes"),
    ("[limits]\nroster_items = 0\n", "config.out-of-range", 2, "at least 1", "roster_items = 20000"),
    ("[limits]\nclose_timeout_s = 0\n", "config.out-of-range", 2, "more than 0", "close_timeout_s = 5.0"),
    ("[limits]\nclose_timeout_s = nan\n", "config.out-of-range", 2, "at most 31_536_000", "= 5.0"),
    ("[limits]\ntombstone_s = inf\n", "config.out-of-range", 2, "at most 3_153_600_000", "= 2592000.0"),
    ("[limits]\nroster_items = 1" + "0" * 30, "config.out-of-range", 2, "end at", "smaller"),
    ("[limits]\nroster_items = 0x" + "f" * 5_000, "config.out-of-range", 2, "end at", "smaller"),
    (
        "[modules.mam]\nkeep_days = -1" + "0" * 20,
        "config.out-of-range",
        2,
        "modules.mam.keep_days",
        "smaller",
    ),
    ("[c2s]\nlisten = ['127.0.0.1:1', 1" + "0" * 30 + "]", "config.out-of-range", 2, "listen[1]", "smaller"),
    (
        "[log]\nlevel = 'verbose'\n",
        "config.bad-value",
        2,
        "no such choice",
        '"debug", "info", "warn" or "error"',
    ),
    ("[tls]\nmin_version = '1.1'\n", "config.bad-value", 2, '"1.1"', '"1.2" or "1.3"'),
    ("data_dir = ''\n", "config.bad-value", 1, "no file", "remove the line"),
    ("[storage]\nurl = 'mysql:x'\n", "config.bad-storage", 2, "kind 'mysql'", "sqlite:FILE"),
    ("[storage]\nurl = 'sqlite:'\n", "config.bad-storage", 2, "file is missing", "sqlite:xmppd.sqlite"),
    ("[storage]\nurl = 'memory:x'\n", "config.bad-storage", 2, "takes no file", "memory:"),
    (
        "[c2s]\nlisten = [\n'127.0.0.1:1',\n'nowhere:2',\n]\n",
        "config.bad-address",
        4,
        "'nowhere'",
        "127.0.0.1:5222",
    ),
    ("[c2s]\nlisten = ['::1:5222']\n", "config.bad-address", 2, "a port", "[::1]:5222"),
    ("[c2s]\nlisten = ['127.0.0.1']\n", "config.bad-address", 2, "a port", "127.0.0.1:5222"),
    ("[c2s]\nlisten = ['127.0.0.1:65536']\n", "config.bad-port", 2, "'65536'", "up to 65535"),
    ("[c2s]\nlisten = ['127.0.0.1:x']\n", "config.bad-port", 2, "'x'", "up to 65535"),
    ("[c2s]\nproxy_protocol_from = ['balancer']\n", "config.bad-network", 2, "no IP address", "10.0.0.0/8"),
    (
        "[http]\nproxy_protocol_from = ['10.1.2.3/8']\n",
        "config.bad-network",
        2,
        "no name of it",
        '"10.0.0.0/8"',
    ),
    (
        "[s2s]\nproxy_protocol_from = ['::1',\n'2001:db8::1/129']\n",
        "config.bad-network",
        3,
        "no IP address",
        "192.0.2.7",
    ),
    ("[s2s]\nproxy_protocol_from = [1]\n", "config.wrong-type", 2, "quotes", "10.0.0.0/8"),
    ("admins = ['nobody']\n", "config.bad-jid", 1, "NAME@HOST", "admin@example.org"),
    ("admins = ['a@b.example/c']\n", "config.bad-jid", 1, "without a resource", "admin@example.org"),
    ("admins = ['a b@b.example']\n", "config.bad-jid", 1, "' ' (space)", "admin@example.org"),
    ("admins = ['@b.example']\n", "config.bad-jid", 1, "@b.example", "admin@example.org"),
    (
        "[c2s]\nlisten = ['127.0.0.1:5222']\ndirect_tls_listen = ['127.0.0.1:5222']\n",
        "config.duplicate-listener",
        3,
        "FILE:2",
        "remove one",
    ),
    (
        "[tls]\ncertificates = 'c'\n[c2s]\nlisten = ['[::]:5222',\n'[::1]:5222']\n",
        "config.duplicate-listener",
        5,
        '"[::]:5222"',
        "remove one",
    ),
    ('[hosts."a.example"]\nkey = "k"\n', "config.key-without-certificate", 2, "no use", "certificate ="),
    (
        '[hosts."a.example"]\nclient_certificates = true\n',
        "config.missing-key",
        2,
        "issuer",
        "client_ca =",
    ),
    ('[hosts."bad_host name"]\n', "name.characters", 1, "underscore and a space", '[hosts."bad-host-name"]'),
    ('[hosts."xn--bcher-kva.example"]\n', "name.a-label", 1, "Unicode", '[hosts."bücher.example"]'),
    (
        '[components."xn--bcher-kva.example"]\nmodule = "x"\n',
        "name.a-label",
        1,
        "component",
        '[components."bücher.example"]',
    ),
    ('[hosts."Chat.example"]\n', "name.case", 1, "lower case", '[hosts."chat.example"]'),
    (
        '[components."Chat.example"]\nmodule = "x"\n',
        "name.case",
        1,
        "component",
        '[components."chat.example"]',
    ),
    ('[hosts."a.example."]\n', "name.trailing-dot", 1, "dot", '[hosts."a.example"]'),
    ('[hosts."☃.example"]\n', "name.idna", 1, "U+2603", "choose another"),
    (
        '[hosts."a.example"]\n[components."a.example"]\nmodule = "x"\n',
        "name.duplicate",
        2,
        "FILE:1",
        "rename",
    ),
]

WARNINGS = [
    (
        "[c2s]\nproxy_protocol_from = ['10.0.0.1', '::/0']\n",
        "config.open-proxies",
        2,
        "any address",
        "balancers alone",
    ),
    ("[c2s]\nlisten = []\ndirect_tls_listen = []\n", "config.no-listener", 2, "nobody", "an address"),
    ("\n[c2s]\nlisten = ['0.0.0.0:5222']\n", "config.no-certificate", None, "self-made", "tls.certificates"),
    (
        '[c2s]\nlisten = ["192.0.2.1:5222"]\n[hosts."a.example"]\n',
        "config.no-certificate",
        3,
        "self-made",
        "tls.certificates",
    ),
    ("[c2s]\nallow_plain_without_tls = true\n", "config.no-effect", 2, "require_tls is true", "remove"),
    (
        "[tls]\ncertificates = 'c'\n[c2s]\nlisten = ['[::]:1']\nrequire_tls = false\n"
        "[hosts.'a.example'.c2s]\nallow_plain_without_tls = true\n",
        "config.plain-passwords",
        7,
        "readable",
        "require_tls = true",
    ),
]


class MistakeTests(SynchronousTestCase):
    """The table of mistakes, row by row."""

    def assert_found(self, text: str, severity: str, row: tuple[str, int | None, str, str]) -> None:
        identifier, line, word, remedy = row
        config, findings = parse(text, "FILE")
        self.assertEqual([finding.id for finding in findings], [identifier], (text, findings))
        found = findings[0]
        self.assertEqual(found.severity, severity, text)
        self.assertEqual(found.place, "FILE" if line is None else f"FILE:{line}", text)
        self.assertIn(word, f"{found.what}: {found.why}")
        self.assertIn(remedy, found.remedy)
        self.assertEqual(config is None, severity == "error", text)

    def test_credentials_of_the_unit(self) -> None:
        """What systemd's LoadCredential= brings is found inside the unit, and by who checks it from outside."""
        text = '[hosts."a.example"]\ncertificate = "$CREDENTIALS_DIRECTORY/a.pem"\n'
        for folder, variables in (
            ("/run/credentials/xmppd.service", {}),
            ("/elsewhere", {"CREDENTIALS_DIRECTORY": "/elsewhere"}),
        ):
            self.patch(os, "environ", variables)
            config, _ = parse(text, "xmppd.toml")
            assert config is not None
            self.assertEqual(config.hosts["a.example"].certificate, Path(folder, "a.pem"))

    def test_mistakes(self) -> None:
        """Each mistake is one finding, with its place, its reason and its remedy."""
        for text, identifier, line, word, remedy in MISTAKES:
            self.assert_found(text, "error", (identifier, line, word, remedy))

    def test_warnings(self) -> None:
        """What is doubtful is told and used all the same."""
        for text, identifier, line, word, remedy in WARNINGS:
            self.assert_found(text, "warning", (identifier, line, word, remedy))

    def test_all_at_once(self) -> None:
        """Mistakes of all kinds are told together, in the order of the lines."""
        text = (
            "admins = [5]\n"
            '[hosts."Big.example"]\n'
            '[hosts."a.example"]\nauth = "psychic"\n'
            "[c2s]\nlisten = ['x', '0.0.0.0:5222', '127.0.0.1:5222']\n"
            "[limits]\nroster_items = 0\nrooster = 1\n"
        )
        _, findings = parse(text, "FILE")
        self.assertEqual(
            [(finding.id, finding.place) for finding in findings],
            [
                ("config.wrong-type", "FILE:1"),
                ("name.case", "FILE:2"),
                ("config.no-certificate", "FILE:3"),
                ("config.bad-value", "FILE:4"),
                ("config.bad-address", "FILE:6"),
                ("config.duplicate-listener", "FILE:6"),
                ("config.out-of-range", "FILE:8"),
                ("config.unknown-key", "FILE:9"),
            ],
        )

    def test_a_mistake_of_the_server_is_told_once(self) -> None:
        """A wrong option that hosts inherit is told where it stands and for no host."""
        text = (
            '[limits]\nroster_items = 0\n[hosts."a.example"]\n[hosts."b.example".limits]\nvcard_bytes = 1\n'
        )
        _, findings = parse(text, "FILE")
        self.assertEqual([finding.place for finding in findings], ["FILE:2", "FILE:5"])

    def test_right_part_remains(self) -> None:
        """For further checks the right part of a wrong file can be had."""
        text = "[limits]\nroster_items = 0\nvcard_bytes = 2000\n[hosts.'a.example']\n[hosts.'B.example']\n"
        reading = examine_text(text, "FILE", {})
        assert reading.config is not None
        self.assertFalse(reading.is_usable)
        self.assertEqual(reading.config.limits.vcard_bytes, 2000)
        self.assertEqual(list(reading.config.hosts), ["a.example"])


class FindingTests(SynchronousTestCase):
    """The forms of a finding."""

    FINDING = Finding("config.x", "error", "FILE:3", "what", "why", "remedy")

    def test_text(self) -> None:
        """The text is one line: place, what, why, remedy."""
        self.assertEqual(str(self.FINDING), "FILE:3: what: why; remedy")

    def test_dict(self) -> None:
        """The dict has every field, and is JSON."""
        self.assertEqual(
            json.loads(json.dumps(self.FINDING.to_dict())),
            {
                "id": "config.x",
                "severity": "error",
                "place": "FILE:3",
                "what": "what",
                "why": "why",
                "remedy": "remedy",
            },
        )


class LoadTests(SynchronousTestCase):
    """Files, environment, paths and defaults."""

    def file_with(self, content: bytes) -> Path:
        file = temporary_folder(self) / "xmppd.toml"
        file.write_bytes(content)
        return file

    def refusal(self, file: Path) -> Finding:
        refused: ConfigErrors = self.assertRaises(ConfigErrors, load, file, {})
        self.assertEqual(str(refused), str(refused.findings[0]))
        return refused.findings[0]

    def test_defaults(self) -> None:
        """Without a file the server is localhost on 127.0.0.1 and ::1, ports 5222 and 5223."""
        config = load(None, {})
        self.assertEqual(list(config.hosts), ["localhost"])
        self.assertEqual(config.c2s.listen, (Address("127.0.0.1", 5222), Address("::1", 5222)))
        self.assertEqual(config.c2s.direct_tls_listen, (Address("127.0.0.1", 5223), Address("::1", 5223)))
        self.assertEqual(config.data_dir, Path.cwd() / "xmppd-data")
        self.assertEqual(config.storage_file, config.data_dir / "xmppd.sqlite")
        self.assertEqual((config.file, config.warnings), (None, ()))

    def test_promised_limits(self) -> None:
        """The limits of an untouched server are those that are promised."""
        limits = load(None, {}).limits
        self.assertEqual((limits.stanza_bytes, limits.stanza_depth), (262144, 256))
        self.assertEqual((limits.stanza_elements, limits.tag_bytes), (10000, 65536))
        self.assertEqual((limits.unauthenticated_stanza_bytes, limits.unauthenticated_elements), (10000, 32))
        self.assertEqual((limits.unauthenticated_depth, limits.unauthenticated_timeout_s), (16, 30))
        self.assertEqual((limits.registration_timeout_s, limits.auth_failures), (300, 5))
        self.assertEqual((limits.connections_per_address, limits.auth_delay_s), (1000, 1))
        self.assertEqual((limits.send_buffer_bytes, limits.uncommitted_stanzas), (16 * 2**20, 256))
        self.assertEqual((limits.uncommitted_bytes, limits.resources_per_user), (262144, 20))

    def test_data_folder(self) -> None:
        """The file's data_dir goes before $XMPPD_DATA, and a relative one is relative to the working folder."""
        file = self.file_with(b"data_dir = 'mine'")
        self.assertEqual(load(file, {"XMPPD_DATA": "/theirs"}).data_dir, Path.cwd() / "mine")
        self.assertEqual(load(None, {"XMPPD_DATA": "/theirs"}).data_dir, Path("/theirs"))
        self.assertEqual(load(None, {"XMPPD_DATA": ""}).data_dir, Path.cwd() / "xmppd-data")

    def test_other_paths(self) -> None:
        """All other paths are relative to the file, the storage's to the data folder."""
        file = self.file_with(
            b"[tls]\ncertificates='c'\n[log]\nfile='/x/l'\n[storage]\nurl='sqlite:s'\n"
            b"[hosts.'a.example']\ncertificate='../a.pem'\n"
        )
        config = load(file, {"XMPPD_DATA": "/d"})
        self.assertEqual(config.tls.certificates, file.parent / "c")
        self.assertEqual((config.log.file, config.storage_file), (Path("/x/l"), Path("/d/s")))
        both = config.for_host("a.example").certificate_files
        self.assertEqual(both, (file.parent / "../a.pem", file.parent / "../a.pem"))
        self.assertEqual(config.file, file)

    def test_home_folder(self) -> None:
        """``~`` is the home folder in every path, for the server as for ``xmppctl``, and never the name of a folder."""
        home = Path.home()
        file = self.file_with(
            b"data_dir='~/d'\n[tls]\ncertificates='~/c'\n[log]\nfile='~/l'\n[storage]\nurl='sqlite:~/s'\n"
            b"[hosts.'a.example']\ncertificate='~/a.pem'\nkey='~root/a.key'\n"
            b"[components.'b.example']\nsecret_file='~/secret'\n"
        )
        config = load(file, {})
        self.assertEqual((config.data_dir, config.tls.certificates), (home / "d", home / "c"))
        self.assertEqual((config.log.file, config.storage_file), (home / "l", home / "s"))
        both = config.for_host("a.example").certificate_files
        self.assertEqual(both, (home / "a.pem", Path("~root/a.key").expanduser()))
        self.assertEqual(config.for_domain("b.example").secret_file, home / "secret")
        self.assertEqual(load(None, {"XMPPD_DATA": "~/e"}).data_dir, home / "e")
        self.assertEqual(data_folder(file, {}).path, home / "d")
        self.assertEqual(data_folder(None, {"XMPPD_DATA": "~/e"}).path, home / "e")
        found = self.refusal(self.file_with(b"data_dir = '~nosuchuser/d'\n"))
        self.assertIn("there is no user nosuchuser", found.why)

    def test_no_file(self) -> None:
        """A file that is not there, or is a folder, is one clear finding."""
        found = self.refusal(temporary_folder(self) / "absent.toml")
        self.assertEqual((found.id, found.why), ("config.unreadable", os.strerror(2)))
        self.assertEqual(self.refusal(temporary_folder(self)).id, "config.unreadable")

    def test_not_utf8(self) -> None:
        """A byte that is no UTF-8 is told with its line."""
        file = self.file_with("# fine\n# schlüssel\n".encode("latin-1"))
        found = self.refusal(file)
        self.assertEqual((found.id, found.place), ("config.not-utf8", f"{file}:2"))

    def test_byte_order_mark(self) -> None:
        """An editor's byte order mark does no harm."""
        self.assertEqual(load(self.file_with(b"\xef\xbb\xbf[log]\nlevel = 'warn'\n"), {}).log.level, "warn")

    def test_reading_right_part(self) -> None:
        """What cannot be read at all has no right part."""
        self.assertIsNone(examine(temporary_folder(self) / "absent.toml", {}).config)

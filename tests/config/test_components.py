"""``[components]``: configured like hosts and checked like them; each mistake with its place, reason and remedy."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.findings import Finding
from xmppd.config.kinds import INSIDE, SERVICES_ONLY, DomainKind
from xmppd.config.model import Config
from xmppd.config.modules import KnownModule, check_modules
from xmppd.config.read import parse
from xmppd.config.section import Address

TEXT = """\
admins = ["root@a.example"]
[limits]
stanza_depth = 100
stanza_elements = 500
[modules.version]
enabled = false
[hosts."a.example"]
[components]
listen = ["127.0.0.1:5400"]
[components."rooms.a.example"]
module = "muc"
admins = ["Boss@a.example"]
certificate = "rooms.pem"
[components."rooms.a.example".limits]
stanza_depth = 50
[components."rooms.a.example".tls]
min_version = "1.3"
[components."rooms.a.example".modules.version]
enabled = true
[components."irc.a.example"]
secret = "hush"
conflict = "refuse"
queue = true
"""

Row = tuple[str, str, int, str, str]

# what stands in a component's table, the identifier, its line, a word of what and why, a word of the remedy
OWN: list[Row] = [
    ("", "config.missing-key", 1, "neither a module nor a secret", "secret_file ="),
    ("\nmodul = 'x'", "config.unknown-key", 2, "modul", "module?"),
    ("\nmodule = 'x'\nsecret = 'y'", "config.conflicting-keys", 3, "either a module here", "one of the two"),
    (
        "\nsecret = 'y'\nsecret_file = 'z'",
        "config.conflicting-keys",
        3,
        "secret stands there",
        "one of the two",
    ),
    ("\nsecret = ''", "config.bad-value", 2, "anybody is the service", "long random text"),
    ("\nmodule = 5", "config.wrong-type", 2, "text in quotes", "text in quotes"),
    ("\nsecret_file = ''", "config.bad-value", 2, "no file", "path"),
    ("\nsecret = 'y'\nconflict = 'both'", "config.bad-value", 3, "no such choice", '"replace" or "refuse"'),
    ("\nsecret = 'y'\nqueue = 1", "config.wrong-type", 3, "true or false", "queue = false"),
    ("\nmodule = 'x'\nkey = 'k'", "config.key-without-certificate", 3, "no use", "certificate ="),
    ("\nmodule = 'x'\nauth = 'internal'", "config.host-option", 3, "clients and accounts", "remove it"),
    ("\nmodule = 'x'\nc2s.require_tls = false", "config.host-option", 3, "clients and accounts", "remove it"),
    (
        "\nmodule = 'x'\ntls.certificates = 'c'",
        "config.server-wide-option",
        3,
        "no component",
        "tls.certificates",
    ),
    (
        "\nmodule = 'x'\nlimits.keepalive_s = 1.0",
        "config.server-wide-option",
        3,
        "no component",
        "as limits.",
    ),
    ("\nmodule = 'x'\nlimits.stanza_dept = 1", "config.unknown-key", 3, "stanza_dept", "stanza_depth?"),
    ("\nmodule = 'x'\nlimits.stanza_depth = 0", "config.out-of-range", 3, "at least", "stanza_depth = "),
    ("\nmodule = 'x'\nadmins = ['a']", "config.bad-jid", 3, "NAME@HOST", "admin@"),
    (
        "\nmodule = 'x'\nadmins = ['a@x.example']",
        "config.bad-jid",
        3,
        "has no accounts",
        "account of localhost",
    ),
    ("\nmodule = 'x'\nhost = 'localhosd'", "config.unknown-host", 3, "no such host", '"localhost"?'),
    ("\nmodule = 'x'\nhost = 'zzz.example'", "config.unknown-host", 3, "no such host", "one of localhost"),
]

WHOLE: list[Row] = [
    (
        "[components]\nlisten = '127.0.0.1:1'\n",
        "config.wrong-type",
        2,
        "a list",
        'listen = ["127.0.0.1:5347"]',
    ),
    ("[components]\nlisten = ['localhost:1']\n", "config.bad-address", 2, "no IP address", "127.0.0.1:5222"),
    ("[components]\nlisten = ['127.0.0.1:99999']\n", "config.bad-port", 2, "no port", "65535"),
    ("[components]\nlisten = [5347]\n", "config.wrong-type", 2, "text in quotes", "127.0.0.1:5222"),
    ("[components]\nlistne = ['127.0.0.1:5347']\n", "config.unknown-key", 2, "listne", "components.listen?"),
    ("[components.listen]\nmodule = 'x'\n", "config.wrong-type", 1, "a list", "listen ="),
    ("[components]\n'x.example' = 'muc'\n", "config.wrong-type", 2, "a table", "a table"),
    ("[components.x.example]\nmodule = 'x'\n", "config.unquoted-name", 1, "dot", '[components."x.example"]'),
    (
        "admins = [\n'a@x.example']\n[components.'x.example']\nmodule = 'x'\n",
        "config.bad-jid",
        2,
        "x.example is a component and has no accounts",
        "account of localhost",
    ),
    ("components = 5\n", "config.wrong-type", 1, "a table for each name", '[components."NAME"]'),
    (
        "[components]\nlisten = ['127.0.0.1:5222']\n[components.'x.example']\nsecret = 'y'\n",
        "config.duplicate-listener",
        2,
        "c2s.listen",
        "one of the two",
    ),
    ("[components.'X.example']\nmodule = 'x'\n", "name.case", 1, "lower case", '[components."x.example"]'),
    (
        "[hosts.'a.example']\n[components.'a.example']\nmodule = 'x'\n",
        "name.duplicate",
        2,
        "host of this name",
        "rename one",
    ),
]

# what stands in the file, the identifier, its line, a word of what and why, a word of the remedy
OF_MODULES: list[Row] = [
    ("[components.'x.a']\nmodule = 'mcu'\n", "config.unknown-module", 2, "no module", '"muc"?'),
    ("[components.'x.a']\nmodule = 'zzz'\n", "config.unknown-module", 2, "no module", "one of muc"),
    ("[components.'x.a']\nmodule = 'roster'\n", "config.wrong-module", 2, "no service", "one of muc"),
    ("[components.'x.a']\nmodule = 'ping'\n", "config.wrong-module", 2, "no service", "one of muc"),
    (
        "[components.'x.a']\nmodule = 'muc'\nmodules.roster.enabled = true\n",
        "config.wrong-module",
        3,
        "accounts only",
        "below a host",
    ),
    (
        "[components.'x.a']\nmodule = 'muc'\nmodules.muc.enabled = false\n",
        "config.conflicting-keys",
        2,
        "enabled is false (FILE:3)",
        "one of the two",
    ),
    (
        "[components.'x.a']\nmodule = 'muc'\n[modules.muc]\nenabled = false\n",
        "config.conflicting-keys",
        2,
        "enabled is false (FILE:4)",
        "one of the two",
    ),
    (
        "[components.'x.a']\nsecret = 'y'\nmodules.ping.enabled = true\n",
        "config.wrong-module",
        3,
        "answers for itself",
        "remove it",
    ),
    ("[hosts.'a.a'.modules.muc]\n", "config.wrong-module", 1, "no part of a host", 'module = "muc"'),
    ("[modules.muc]\nenabled = true\n", "config.no-effect", 2, "no part of a host", 'module = "muc"'),
    (
        "[components.'x.a']\nmodule = 'muc'\nmodules.pin.enabled = true\n",
        "config.unknown-module",
        3,
        "no module",
        "modules.ping?",
    ),
    (
        "[components.'x.a']\nmodule = 'muc'\nmodules.muc.rooms = 5\n",
        "config.unknown-key",
        3,
        'components."x.a".modules.muc.rooms',
        "remove it",
    ),
]

KNOWN = {
    "ping": KnownModule(for_hosts=INSIDE),
    "version": KnownModule(for_hosts=INSIDE),
    "roster": KnownModule(),
    "muc": KnownModule(for_hosts=SERVICES_ONLY, is_service=True),
}


def config_of(text: str) -> Config:
    """Read a text that has no mistake."""
    config, findings = parse(text, "FILE")
    assert config is not None, findings
    return config


class ComponentTests(SynchronousTestCase):
    """What holds for a component."""

    def test_overlay(self) -> None:
        """It has the server's options overlaid with its own, as a host has."""
        config = config_of(TEXT)
        rooms = config.components["rooms.a.example"]
        self.assertEqual(
            (rooms.name, rooms.kind, rooms.module), ("rooms.a.example", DomainKind.SERVICE, "muc")
        )
        self.assertEqual((rooms.limits.stanza_depth, rooms.limits.stanza_elements), (50, 500))
        self.assertEqual((rooms.admins, rooms.tls.min_version), (("boss@a.example",), "1.3"))
        self.assertTrue(rooms.modules["version"].enabled)
        self.assertEqual([file.name for file in rooms.certificate_files or ()], ["rooms.pem", "rooms.pem"])

    def test_outside(self) -> None:
        """A program that connects has a secret, which shows nowhere."""
        config = config_of(TEXT)
        irc = config.components["irc.a.example"]
        assert irc.secret is not None
        self.assertEqual((irc.kind, irc.secret.get_secret_value()), (DomainKind.COMPONENT, "hush"))
        self.assertEqual((irc.conflict, irc.queue), ("refuse", True))
        self.assertEqual((irc.limits.stanza_depth, irc.admins), (100, ("root@a.example",)))
        self.assertNotIn("hush", repr(config))

    def test_listeners(self) -> None:
        """``listen`` is no domain; by default the usual port of this machine alone."""
        self.assertEqual(config_of(TEXT).component_listen, (Address("127.0.0.1", 5400),))
        self.assertEqual(set(config_of(TEXT).components), {"rooms.a.example", "irc.a.example"})
        self.assertEqual(config_of("").component_listen, (Address("127.0.0.1", 5347),))

    def test_of_all_kinds(self) -> None:
        """What is for any domain finds hosts and components alike."""
        config = config_of(TEXT)
        self.assertEqual(
            [(domain.name, domain.kind.value) for domain in config.domains],
            [("a.example", "accounts"), ("rooms.a.example", "service"), ("irc.a.example", "component")],
        )
        self.assertIs(config.for_domain("irc.a.example"), config.components["irc.a.example"])
        self.assertIs(config.for_domain("a.example"), config.hosts["a.example"])
        self.assertRaises(KeyError, config.for_domain, "b.example")
        self.assertRaises(KeyError, config.for_host, "irc.a.example")

    def test_only_components(self) -> None:
        """A file that names components only serves the default host as well."""
        self.assertEqual(set(config_of("[components.'x.example']\nmodule = 'x'\n").hosts), {"localhost"})


class MistakeTests(SynchronousTestCase):
    """The tables of mistakes, row by row."""

    def assert_found(self, text: str, findings: list[Finding], row: Row) -> None:
        _, identifier, line, word, remedy = row
        self.assertEqual(
            [(f.id, f.place) for f in findings], [(identifier, f"FILE:{line}")], (text, findings)
        )
        self.assertIn(word, f"{findings[0].what}: {findings[0].why}")
        self.assertIn(remedy, findings[0].remedy)
        self.assertNotIn("\n", str(findings[0]))

    def test_own(self) -> None:
        """What is wrong in a component's own table."""
        for row in OWN:
            text = f"[components.'x.example']{row[0]}\n"
            config, findings = parse(text, "FILE")
            self.assert_found(text, findings, row)
            self.assertIsNone(config)

    def test_whole(self) -> None:
        """What is wrong in the section."""
        for row in WHOLE:
            self.assert_found(row[0], parse(row[0], "FILE")[1], row)

    def test_no_effect(self) -> None:
        """What is for programs outside has no effect for a service inside."""
        text = "[components.'x.example']\nmodule = 'x'\nqueue = true\nconflict = 'refuse'\n"
        config, findings = parse(text, "FILE")
        self.assertEqual(
            [(f.id, f.severity, f.place) for f in findings],
            [("config.no-effect", "warning", "FILE:3"), ("config.no-effect", "warning", "FILE:4")],
        )
        self.assertIsNotNone(config)

    def test_all_at_once(self) -> None:
        """Every mistake of a file is told at once, in its order."""
        text = "[components]\nlisten = 5\n[components.'X.a']\nsecret = ''\nqueue = 1\n[components.'y.a']\nhost = 5\n"
        found = [(finding.id, finding.place) for finding in parse(text, "FILE")[1]]
        self.assertEqual(
            found,
            [
                ("config.wrong-type", "FILE:2"),
                ("name.case", "FILE:3"),
                ("config.bad-value", "FILE:4"),
                ("config.wrong-type", "FILE:5"),
                ("config.missing-key", "FILE:6"),
                ("config.wrong-type", "FILE:7"),
            ],
        )

    def test_modules(self) -> None:
        """Modules that a component names, and that are named where they serve nothing."""
        for row in OF_MODULES:
            found = check_modules(config_of(row[0]), KNOWN)
            self.assert_found(row[0], found, row)

    def test_right_modules(self) -> None:
        """Options of a service's module may stand for all such services, or for one; the general ones anywhere."""
        text = (
            "[modules.muc]\n[modules.ping]\nenabled = false\n[components.'x.a']\nmodule = 'muc'\n"
            "modules.muc.enabled = true\nmodules.ping.enabled = true\n[modules.roster]\nenabled = true\n"
        )
        self.assertEqual(check_modules(config_of(text), KNOWN), [])

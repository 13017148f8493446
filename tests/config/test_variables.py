"""Options from the environment, over those of the file."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.findings import Finding
from xmppd.config.model import Config
from xmppd.config.read import parse
from xmppd.config.section import Address

FILE = '[c2s]\nlisten = ["127.0.0.1:1"]\n[limits]\nauth_failures = 3\n'


def read(text: str, **env: str) -> tuple[Config | None, list[Finding]]:
    """Read *text* with these variables."""
    return parse(text, "xmppd.toml", env)


class VariableTests(SynchronousTestCase):
    """What each says."""

    def read(self, text: str, **env: str) -> Config:
        """Give what is right."""
        config, findings = read(text, **env)
        assert config is not None, findings
        return config

    def test_names(self) -> None:
        """Hosts, services and administrators, with whatever stands between them."""
        config = self.read(
            "",
            XMPPD_HOSTS="example.org, b.example",
            XMPPD_COMPONENTS="rooms.example.org=muc pubsub.example.org=pubsub",
            XMPPD_ADMINS="a@example.org",
        )
        self.assertEqual([*config.hosts], ["example.org", "b.example"])
        self.assertEqual(
            {name: each.module for name, each in config.components.items()},
            {"rooms.example.org": "muc", "pubsub.example.org": "pubsub"},
        )
        self.assertEqual(config.admins, ("a@example.org",))

    def test_options(self) -> None:
        """TOML where it is that, else a text; what the file says else stays."""
        config = self.read(
            FILE,
            XMPPD_C2S__LISTEN='["0.0.0.0:5222"]',
            XMPPD_C2S__RESOURCE_CONFLICT="rename",
            XMPPD_LIMITS__STANZA_BYTES="20000",
            XMPPD_MODULES__REGISTER__ALLOW_REGISTRATION="true",
        )
        self.assertEqual(config.c2s.listen, (Address("0.0.0.0", 5222),))
        self.assertEqual(config.c2s.resource_conflict, "rename")
        self.assertEqual((config.limits.stanza_bytes, config.limits.auth_failures), (20_000, 3))
        self.assertIs((config.modules["register"].model_extra or {})["allow_registration"], True)

    def test_a_host_of_the_file(self) -> None:
        """A name that the file has as well keeps its table."""
        text = '[hosts."example.org"]\nauth = "anonymous"\n'
        self.assertEqual(self.read(text, XMPPD_HOSTS="example.org").hosts["example.org"].auth, "anonymous")

    def test_mistakes(self) -> None:
        """They are told with the variable's name, and with the nearest option that there is."""
        _, findings = read(FILE, XMPPD_LIMITS__STANZA_BYTE="1", XMPPD_C2S__REQUIRE_TLS="perhaps")
        self.assertEqual(
            {(found.id, found.place) for found in findings},
            {
                ("config.unknown-key", "$XMPPD_LIMITS__STANZA_BYTE"),
                ("config.wrong-type", "$XMPPD_C2S__REQUIRE_TLS"),
            },
        )
        self.assertIn("limits.stanza_bytes", "".join(found.remedy for found in findings))

    def test_a_file_with_something_else_there(self) -> None:
        """The file's mistake is told, where it is."""
        _, findings = read("c2s = 1\n", XMPPD_C2S__REQUIRE_TLS="true")
        self.assertEqual([found.place for found in findings], ["xmppd.toml:1"])

    def test_others(self) -> None:
        """A variable without a section is not ours to judge; a text with lines is a text."""
        config = self.read(FILE, XMPPD_SOMETHING="1", XMPPD_LOG__LEVEL='"warn"', XMPPD_DATA="/x")
        self.assertEqual((config.log.level, str(config.data_dir)), ("warn", "/x"))
        _, findings = read(FILE, XMPPD_TLS__CIPHERS='"a"\nmin_version = "1.3"')
        self.assertEqual(findings, [])

"""The effective configuration: what holds for a host, and the options of modules."""

from typing import Annotated

from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.fields import Field
from xmppd.config.model import Config
from xmppd.config.modules import KnownModule, check_modules
from xmppd.config.read import parse
from xmppd.config.table import Table

TEXT = """\
admins = ["Root@a.example"]
[limits]
roster_items = 10
vcard_bytes = 2000
[modules.ping]
enabled = true
every_s = 5
[modules.version]
[hosts."a.example"]
[hosts."b.example"]
admins = ["boss@b.example"]
auth = "anonymous"
[hosts."b.example".limits]
roster_items = 20
[hosts."b.example".c2s]
require_tls = false
[hosts."b.example".tls]
min_version = "1.3"
[hosts."b.example".modules.ping]
word = "b"
[components."c.example"]
secret = "hush"
"""


class PingOptions(Table):
    """Options of a module, as a module would bring them."""

    every_s: Annotated[int, Field(ge=1)] = 60
    word: str = "a"


def config_of(text: str) -> Config:
    """Read a text that has no mistake."""
    config, findings = parse(text, "FILE")
    assert config is not None, findings
    return config


class HostTests(SynchronousTestCase):
    """The server's options overlaid with a host's."""

    def test_inherits(self) -> None:
        """A host without options of its own has the server's."""
        config = config_of(TEXT)
        host = config.for_host("a.example")
        self.assertEqual((host.name, host.auth, host.admins), ("a.example", "internal", ("root@a.example",)))
        self.assertEqual((host.limits, host.c2s, host.tls), (config.limits, config.c2s, config.tls))
        self.assertEqual(host.modules, config.modules)

    def test_overrides(self) -> None:
        """A host's own option holds for it, and the others of its section stay the server's."""
        config = config_of(TEXT)
        host = config.for_host("b.example")
        self.assertEqual((host.auth, host.admins), ("anonymous", ("boss@b.example",)))
        self.assertEqual((host.limits.roster_items, host.limits.vcard_bytes), (20, 2000))
        self.assertEqual((host.c2s.require_tls, host.c2s.listen), (False, config.c2s.listen))
        self.assertEqual((host.tls.min_version, config.tls.min_version), ("1.3", "1.2"))
        self.assertTrue(host.modules["ping"].enabled)
        self.assertIsNone(host.modules["version"].enabled)

    def test_unknown_host(self) -> None:
        """A domain that is not served has no options."""
        self.assertRaises(KeyError, config_of(TEXT).for_host, "c.example")

    def test_frozen(self) -> None:
        """Nothing changes after reading."""
        self.assertRaises(AttributeError, setattr, config_of(TEXT).limits, "roster_items", 5)

    def test_secret_is_not_shown(self) -> None:
        """A secret shows in no text made of the configuration."""
        self.assertNotIn("hush", repr(config_of(TEXT)))


class ModuleTests(SynchronousTestCase):
    """Options of modules, checked by the model that the module brings."""

    def test_options(self) -> None:
        """The server's options of a module, and a host's overlaid on them."""
        config = config_of(TEXT)
        self.assertEqual(config.module_options("ping", PingOptions), (PingOptions(every_s=5), []))
        own, _ = config.module_options("ping", PingOptions, "b.example")
        self.assertEqual(own, PingOptions(every_s=5, word="b"))
        self.assertEqual(config.module_options("absent", PingOptions), (PingOptions(), []))

    def test_wrong_options(self) -> None:
        """Wrong and unknown options are told with place and nearest key."""
        text = '[modules.ping]\nevery_s = 0\nwrod = "x"\n[hosts."a.example".modules.ping]\nword = 5\n'
        config = config_of(text)
        options, findings = config.module_options("ping", PingOptions)
        self.assertIsNone(options)
        self.assertEqual(
            [(finding.id, finding.place) for finding in findings],
            [("config.unknown-key", "FILE:3"), ("config.out-of-range", "FILE:2")],
        )
        self.assertIn("modules.ping.word?", findings[0].remedy)
        self.assertIn("every_s = 60", findings[1].remedy)
        _, findings = config.module_options("ping", PingOptions, "a.example")
        self.assertEqual({finding.place for finding in findings}, {"FILE:2", "FILE:3", "FILE:5"})

    def test_option_that_every_module_has(self) -> None:
        """Whether a module runs is no option of its own, and is named too where it is misspelt."""
        _, findings = config_of("[modules.ping]\nenable = true\n").module_options("ping", PingOptions)
        self.assertIn("modules.ping.enabled?", findings[0].remedy)

    def test_missing_option(self) -> None:
        """An option that a module cannot do without is told at the module's table."""

        class Needy(Table):
            url: str

        _, findings = config_of(TEXT).module_options("version", Needy)
        self.assertEqual([(f.id, f.place) for f in findings], [("config.missing-key", "FILE:8")])
        self.assertIn("modules.version.url", findings[0].what)

    def test_check_modules(self) -> None:
        """Every module that is named is looked at, for the server and each host, and told once."""
        text = '[modules.pong]\n[modules.version]\nx = 1\n[hosts."a.example".modules.ping]\nword = 5\n'
        known = {"ping": KnownModule(PingOptions), "version": KnownModule()}
        found = check_modules(config_of(text), known)
        self.assertEqual(
            [(finding.id, finding.place) for finding in found],
            [
                ("config.unknown-module", "FILE:1"),
                ("config.unknown-key", "FILE:3"),
                ("config.wrong-type", "FILE:5"),
            ],
        )
        self.assertIn("modules.ping?", found[0].remedy)
        self.assertEqual(check_modules(config_of(TEXT), known), [])

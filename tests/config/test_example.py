"""``etc/``: the example file is valid, complete and true, and the systemd unit keeps its promises."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

import xmppd.modules
from xmppd.admin.example import example
from xmppd.config.documented import descriptions
from xmppd.config.kinds import DomainKind
from xmppd.config.limits import Limits
from xmppd.config.options import (
    C2s,
    ComponentOptions,
    Components,
    Document,
    HostOptions,
    HostSettings,
    Log,
    ModuleTable,
    Net,
    ServerOptions,
    Storage,
    Tls,
)
from xmppd.config.read import load, parse
from xmppd.config.table import Table
from xmppd.core.loader import find_modules

ETC = Path(__file__).parents[2] / "etc"
TEXT = (ETC / "xmppd.toml").read_text(encoding="utf-8")
COMMENTED = re.compile(r'^#(?=[a-z"\[])', re.MULTILINE)
"""A ``#`` that an option stands behind without a space."""

# what the example shows with another value than the default, or that has no default
NOT_DEFAULTS = {
    ("data_dir",),
    ("admins",),
    ("members",),
    ("rights",),
    ("tls", "certificates"),
    ("log", "file"),
    ("modules", "contact"),
    ("modules", "delegation"),
    ("modules", "privilege"),
    ("modules", "groups"),
    ("modules", "external_services"),
    ("modules", "bytestreams"),
    ("modules", "upload"),
    ("s2s", "domains"),
    ("http", "external_url"),
    ("http", "acme_folder"),
}


def uncommented() -> str:
    """The example with every option in force."""
    return COMMENTED.sub("", TEXT)


def options_of(model: type[Table], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every option of a section and of the sections in it, by path."""
    for key, field in model.model_fields.items():
        kind: Any = field.annotation
        if isinstance(kind, type) and issubclass(kind, Table):
            yield from options_of(kind, (*above, key))
        else:
            yield (*above, key)


def at(table: Any, path: tuple[str, ...]) -> Any:
    """Look up *path*; raises KeyError."""
    for key in path:
        table = table[key] if isinstance(table, dict) else getattr(table, key)
    return table


class ExampleTests(SynchronousTestCase):
    """``etc/xmppd.toml``."""

    def test_in_step(self) -> None:
        """The file is what the models say now; if not: python -m xmppd.admin.example."""
        self.assertTrue(example() == TEXT, "write it anew: python -m xmppd.admin.example")

    def test_as_shipped(self) -> None:
        """The file as it is shipped is valid without a warning, and is the defaults."""
        config = load(ETC / "xmppd.toml", {})
        self.assertEqual(config.warnings, ())
        self.assertEqual(config, load(None, {}))

    def test_all_options_in_force(self) -> None:
        """With every option un-commented the file is valid too."""
        config, findings = parse(uncommented(), "xmppd.toml")
        self.assertEqual(findings, [])
        assert config is not None
        self.assertEqual(config.for_host("example.org").limits.resources_per_user, 5)
        kinds = {name: component.kind for name, component in config.components.items()}
        outside = DomainKind.COMPONENT
        self.assertEqual(
            kinds,
            {
                "rooms.localhost": DomainKind.SERVICE,
                "pubsub.localhost": DomainKind.SERVICE,
                "upload.localhost": DomainKind.SERVICE,
                "rooms.example.org": DomainKind.SERVICE,
                "gateway.example.org": outside,
                "phone.example.org": outside,
                "news.example.org": outside,
            },
        )

    def test_no_option_is_missing(self) -> None:
        """Every option that there is stands in the file."""
        raw = tomllib.loads(uncommented())
        for path in options_of(ServerOptions):
            at(raw, path)
        own = [key for key in HostOptions.model_fields if key not in ServerOptions.model_fields]
        for key in (*own, "admins", "members", "rights", "tls", "c2s", "limits", "modules"):
            at(raw, ("hosts", "example.org", key))
        at(raw, ("components", "listen"))
        shown = {key for table in raw["components"].values() if isinstance(table, dict) for key in table}
        self.assertEqual(set(ComponentOptions.model_fields) - shown, set())

    def test_every_option_is_described(self) -> None:
        """Every option and section says what it is for."""
        sections: list[type[Table]] = [
            Tls,
            C2s,
            Storage,
            Log,
            Net,
            Limits,
            ModuleTable,
            ComponentOptions,
            Components,
            HostSettings,
            Document,
        ]
        for section in sections:
            described = descriptions(section)
            for key in section.model_fields:
                self.assertTrue(described.get(key), f"{section.__name__}.{key}")

    def test_shows_the_defaults(self) -> None:
        """An option that is commented out shows the value that holds without it."""
        config, _ = parse(uncommented(), "xmppd.toml")
        defaults = load(None, {})
        for path in options_of(ServerOptions):
            if path not in NOT_DEFAULTS and path[0] != "modules":
                self.assertEqual(at(config, path), at(defaults, path), path)

    def test_modules(self) -> None:
        """Every option of every module stands in the file, is valid when it is in force, and shows its default."""
        config, _ = parse(uncommented(), "xmppd.toml")
        assert config is not None
        shown = tomllib.loads(uncommented())["modules"]
        missing = []
        for name, module in sorted(find_modules(xmppd.modules).items()):
            for key, field in module.options.model_fields.items():
                if key not in shown.get(name, ()):
                    default = json.dumps(field.default)
                    missing.append(f"add to etc/xmppd.toml under #[modules.{name}]: #{key} = {default}")
            options, findings = config.module_options(name, module.options, None)
            self.assertEqual([str(finding) for finding in findings], [])
            if ("modules", name) not in NOT_DEFAULTS:
                self.assertEqual(options, module.options(), f"the defaults of modules.{name}")
        self.assertEqual(missing, [], "\n".join(missing))


MOST_EXPOSURE = 2.0


class UnitTests(SynchronousTestCase):
    """``etc/xmppd.service``."""

    def test_unit(self) -> None:
        """It runs as a user of its own, reloads on SIGHUP, and gives a stop the time that is promised."""
        unit = ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way to keep case
        unit.read(ETC / "xmppd.service")
        service = unit["Service"]
        self.assertEqual((service["Type"], service["User"]), ("notify-reload", "xmppd"))
        self.assertGreaterEqual(int(service["WatchdogSec"]), 10)
        self.assertGreaterEqual(int(service["TimeoutStopSec"]), 10)
        self.assertEqual(service["StateDirectoryMode"], "0700")
        self.assertNotIn("Environment", service)  # but data_dir, for xmppctl too
        self.assertEqual(service["StateDirectory"], "xmppd")
        for key in ("NoNewPrivileges", "PrivateTmp", "ProtectHome", "RestrictSUIDSGID"):
            self.assertEqual(service[key], "true", key)

    def test_exposure(self) -> None:
        """systemd's own judgement of what it is shut off from, on a scale to 10, where less is better."""
        analyze = shutil.which("systemd-analyze")
        if analyze is None:
            raise SkipTest("systemd-analyze is not installed")
        command = [analyze, "security", "--offline=true", "--no-pager", str(ETC / "xmppd.service")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = re.search(r"Overall exposure level for xmppd\.service: ([\d.]+)", done.stdout)
        assert found is not None, done.stderr
        self.assertLessEqual(float(found.group(1)), MOST_EXPOSURE)

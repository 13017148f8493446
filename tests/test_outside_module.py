"""A module from outside: the example of docs/modules.rst, installed, loaded, reloaded and unloaded."""

import importlib.metadata
import os
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.admin.settings import known_modules, read_settings
from xmppd.config.findings import ConfigErrors
from xmppd.core.loader import ModuleError
from xmppd.testing.server import MemoryServer

EXAMPLE = Path(__file__).parent.parent / "docs" / "example" / "xmppd_tally.py"
ASK = "<iq type='get' id='t'><tally xmlns='urn:example:tally'/></iq>"


class OutsideModuleTests(SynchronousTestCase):
    """Distributions in a folder of their own on the path of Python."""

    def setUp(self) -> None:
        """Begin with an empty folder, and leave nothing imported."""
        self.folder = Path(temporary_folder(self))
        sys.path.insert(0, str(self.folder))
        self.addCleanup(sys.path.remove, str(self.folder))
        before = set(sys.modules)
        self.addCleanup(lambda: [sys.modules.pop(name) for name in set(sys.modules) - before])

    def install(self, name: str = "tally", text: str | None = None, value: str = "") -> Path:
        """Put a distribution with metadata into the folder; gives its Python file."""
        info = self.folder / f"xmppd_{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: xmppd-{name}\nVersion: 1.0\n")
        target = value or f"xmppd_{name}:{name.capitalize()}"
        (info / "entry_points.txt").write_text(f"[xmppd.modules]\n{name} = {target}\n")
        file = self.folder / f"xmppd_{name}.py"
        file.write_text(EXAMPLE.read_text() if text is None else text)
        return file

    def answer(self, memory: MemoryServer) -> str | None:
        """Ask for the tally; None where nobody answers."""
        client = memory.logged_in("romeo@localhost/x")
        client.send("<message to='juliet@localhost'><body>1</body></message>")
        client.inbox.clear()
        client.send(ASK)
        tally = client.inbox.popleft().find("{urn:example:tally}tally")
        return tally.get("sent") if tally is not None else None

    def test_nobody_is_asked_for_nothing(self) -> None:
        """Where the configuration names modules of ours alone, what is installed is not searched."""
        self.patch(importlib.metadata, "entry_points", lambda group: self.fail("somebody asks"))
        memory = MemoryServer("[modules.mam]\n")
        self.assertIn("mam", memory.server.hosts["localhost"].modules)

    def test_its_life(self) -> None:
        """It works where the configuration names it; it goes and comes back, and its file is read anew."""
        file = self.install()
        memory = MemoryServer("[modules.tally]\nmax_accounts = 5")
        host, loader = memory.server.hosts["localhost"], memory.server.loader
        self.assertEqual(self.answer(memory), "1")
        self.assertEqual(getattr(host.modules["tally"], "opt").max_accounts, 5)  # noqa: B009 - its own
        loader.unload(host, "tally")
        self.assertNotIn("urn:example:tally", str(list(host.iq_handlers)))
        loader.load(host, "tally")
        file.write_text(EXAMPLE.read_text().replace("str(self._sent.get(request.sender.bare, 0))", "'many'"))
        loader.reload(host, "tally")
        client = memory.logged_in("juliet@localhost/x")
        client.send(ASK)
        told = client.inbox.popleft().find("{urn:example:tally}tally")
        self.assertEqual(told.get("sent") if told is not None else None, "many")

    def test_nothing_is_imported_before_it_is_wanted(self) -> None:
        """An installed module that the configuration does not name is not even imported."""
        self.install()
        memory = MemoryServer()
        self.assertNotIn("tally", memory.server.hosts["localhost"].modules)
        self.assertNotIn("xmppd_tally", sys.modules)
        MemoryServer("[modules.tally]\nenabled = false")
        self.assertNotIn("tally", known_modules()._known)

    def test_its_options_are_checked(self) -> None:
        """As those of our own modules, with the place in the file."""
        self.install()
        config = self.folder / "xmppd.toml"
        config.write_text('[hosts."localhost"]\n[modules.tally]\nmax_accounts = 0\n')
        error = self.assertRaises(ConfigErrors, read_settings, str(config), os.environ)
        self.assertIn("modules.tally.max_accounts", str(error))
        self.assertIn(":3", str(error))
        config.write_text('[hosts."localhost"]\n[modules.tally]\nmax_accounts = 3\n')
        self.assertEqual(list(read_settings(str(config), os.environ).modules), ["tally"])

    def test_one_that_cannot_be_used(self) -> None:
        """One line, from the check and from the loader; nothing is left of it."""
        tally = EXAMPLE.read_text()
        broken = {
            "one": "import nowhere\n",
            "two": "Two = 2\n",
            "three": tally.replace("class Tally(", "class Three("),
            "four": tally.replace("class Tally(", "class Four(").replace('name = "tally"', 'name = "four"')
            + "\n    def stream_features(self):\n        raise RuntimeError('no')\n",
        }
        memory = MemoryServer()
        host, loader = memory.server.hosts["localhost"], memory.server.loader
        before = dict(host.modules), dict(loader.known), dict(host.iq_handlers), list(host.hooks.chains())
        for name, text in broken.items():
            self.install(name, text)
            self.assertNotIn("\n", str(self.assertRaises(ModuleError, loader.load, host, name)), name)
            after = dict(host.modules), dict(loader.known), dict(host.iq_handlers), list(host.hooks.chains())
            self.assertEqual(after, before, name)
        self.assertEqual({f"xmppd_{name}" for name in broken} & set(sys.modules), set())
        problems = [known_modules()[name].problem for name in ("one", "two", "three")]
        self.assertEqual(
            problems,
            [
                "the module one cannot be imported: ModuleNotFoundError: No module named 'nowhere'",
                "the module two is no class derived from xmppd.core.module.Module",
                'the class of the module three does not say name = "three"',
            ],
        )

    def test_ours_cannot_be_replaced(self) -> None:
        """A module from outside with the name of one of ours is never looked at."""
        self.install("ping", "raise RuntimeError('looked at')\n")
        memory = MemoryServer("[modules.ping]\nenabled = true")
        self.assertEqual(
            type(memory.server.hosts["localhost"].modules["ping"]).__module__, "xmppd.modules.ping"
        )
        self.assertEqual(known_modules()["ping"].problem, "")

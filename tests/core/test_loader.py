"""Modules come and go while the server runs; what they declared comes and goes with them."""

import sys
import types
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

import xmppd.modules
from xmppd.core.events import IQRequest
from xmppd.core.hooks import Hook
from xmppd.core.host import Host
from xmppd.core.loader import Loader, ModuleError, find_modules
from xmppd.core.module import Module, Options, iq, on
from xmppd.core.session import ClientFeature
from xmppd.stream.features import StreamFeature
from xmppd.testing.server import MemoryServer

POKED = Hook[str]("poked", "Asked by these tests.")
NS = "urn:example:poke"


class Base(Module):
    """A module that others require."""

    name = "base"
    summary = "Base"


class PokeOptions(Options):
    """Options of `Poke`."""

    answer: str = "ouch"


class Poke(Module):
    """A module with one of everything."""

    name = "poke"
    summary = "Poke"
    requires = ("base",)
    options = PokeOptions
    stopped = 0

    @iq("get", NS, "poke", to=("host", "own"))
    def on_poke(self, request: IQRequest) -> None:
        """Answer a poke."""

    @on(POKED, priority=3)
    def on_poked(self, who: str) -> str:
        """Answer the hook."""
        return f"{self.opt.answer}, {who}"

    def stream_features(self) -> tuple[ClientFeature, ...]:
        """Offer one."""
        return (StreamFeature(name="poke"),)

    def stop(self) -> None:
        """Count."""
        type(self).stopped += 1


class Twin(Module):
    """Answers the same IQ as `Poke`."""

    name = "twin"
    summary = "Twin"

    @iq("get", NS, "poke")
    def on_poke(self, request: IQRequest) -> None:
        """Answer a poke too."""


class Left(Module):
    """Half of a circle."""

    name = "left"
    summary = "Left"
    requires = ("right",)


class Right(Module):
    """The other half."""

    name = "right"
    summary = "Right"
    requires = ("left",)


class LoaderTests(SynchronousTestCase):
    """`Loader`."""

    def setUp(self) -> None:
        """Give each test a host without modules."""
        server = MemoryServer().server
        self.host = Host("localhost", server.hosts["localhost"].settings)
        known: dict[str, type[Module]] = {cls.name: cls for cls in (Base, Poke, Twin, Left, Right)}
        self.loader = Loader(known, lambda host: Any, lambda host, cls: cls.options())  # type: ignore[arg-type,return-value]

    def test_load_brings_what_is_required_and_all_handlers(self) -> None:
        """Handlers, hooks and stream features are in place after `load`; so is what the module requires."""
        self.loader.load(self.host, "poke")
        self.assertEqual(list(self.host.modules), ["base", "poke"])
        self.assertEqual(
            set(self.host.iq_handlers), {("get", NS, "poke", "host"), ("get", NS, "poke", "own")}
        )
        self.assertEqual(self.host.hooks.ask(POKED, "you"), "ouch, you")
        self.assertEqual([feature.name for feature in self.host.stream_features], ["poke"])

    def test_unload_takes_everything_away(self) -> None:
        """After `unload` nothing of the module is left, and it was told to stop."""
        self.loader.load(self.host, "poke")
        before = Poke.stopped
        self.loader.unload(self.host, "poke")
        self.assertEqual(list(self.host.modules), ["base"])
        self.assertEqual((self.host.iq_handlers, self.host.stream_features), ({}, ()))
        self.assertIsNone(self.host.hooks.ask(POKED, "you"))
        self.assertEqual(Poke.stopped, before + 1)

    def test_what_is_required_stays(self) -> None:
        """A module that another requires cannot be unloaded; the message names the other."""
        self.loader.load(self.host, "poke")
        error = self.assertRaises(ModuleError, self.loader.unload, self.host, "base")
        self.assertIn("poke", str(error))

    def test_mistakes_are_one_line_each(self) -> None:
        """Unknown, loaded already, not loaded, a circle, two answers to the same IQ."""
        self.loader.load(self.host, "poke")
        for call, name in (
            ("load", "nope"),
            ("load", "poke"),
            ("unload", "nope"),
            ("load", "left"),
            ("load", "twin"),
        ):
            error = self.assertRaises(ModuleError, getattr(self.loader, call), self.host, name)
            self.assertNotIn("\n", str(error))
        self.assertEqual(list(self.host.modules), ["base", "poke"])

    def test_reload_reads_the_file_anew(self) -> None:
        """`reload` puts the class that the file holds now in the old one's place; a broken file leaves the old one."""
        source = _module_file("answer = 'old'")
        self.loader.known["fresh"] = source.Fresh
        self.loader.load(self.host, "fresh")
        _SOURCES[source.__name__] = _TEXT.format("answer = 'new'")
        self.loader.reload(self.host, "fresh")
        self.assertEqual(self.host.modules["fresh"].answer, "new")
        _SOURCES[source.__name__] = "this is no Python"
        self.assertRaises(ModuleError, self.loader.reload, self.host, "fresh")
        self.assertEqual(self.host.modules["fresh"].answer, "new")

    def test_every_module_of_the_package_is_found_and_whole(self) -> None:
        """The classes in `xmppd.modules` have a name, a summary and known requirements."""
        known = find_modules(xmppd.modules)
        self.assertLessEqual({"ping", "disco", "version", "time", "uptime", "caps"}, set(known))
        for cls in known.values():
            self.assertTrue(cls.summary, cls.name)
            self.assertLessEqual(set(cls.requires), set(known), cls.name)

    def test_loading_and_unloading_in_a_running_server(self) -> None:
        """A client sees a module go and come back: its IQ is answered by service-unavailable meanwhile."""
        memory = MemoryServer()
        client = memory.logged_in("alice@localhost/desk")
        host, loader = memory.server.hosts["localhost"], memory.server.loader
        types_seen = []
        for change in (None, loader.unload, loader.load):
            if change is not None:
                change(host, "version")
            client.send("<iq type='get' id='v' to='localhost'><query xmlns='jabber:iq:version'/></iq>")
            types_seen.append(client.inbox.popleft().get("type"))
        self.assertEqual(types_seen, ["result", "error", "result"])


_TEXT = (
    "from xmppd.core.module import Module\nclass Fresh(Module):\n"
    "    name = 'fresh'\n    summary = 'Fresh'\n    {}\n"
)
_SOURCES: dict[str, str] = {}


class _SourceLoader:
    """Reads a module out of `_SOURCES`."""

    def create_module(self, spec: Any) -> None:
        """Let Python make it."""

    def exec_module(self, module: types.ModuleType) -> None:
        """Run the text."""
        exec(_SOURCES[module.__name__], module.__dict__)


class _Finder:
    """Finds what is in `_SOURCES`."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """Give the spec of a text."""
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, _SourceLoader()) if name in _SOURCES else None  # type: ignore[arg-type]


def _module_file(line: str) -> types.ModuleType:
    import importlib

    name = "a_module_of_the_loader_tests"
    _SOURCES[name] = _TEXT.format(line)
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
    sys.modules.pop(name, None)
    return importlib.import_module(name)

"""Modules come and go while the server runs; what they declared comes and goes with them."""

import sys
import types
from typing import Any

from twisted.internet.defer import execute
from twisted.trial.unittest import SynchronousTestCase

import xmppd.modules
from tests.core.loaded_modules import (
    NS,
    POKED,
    Base,
    Choosy,
    Failing,
    Given,
    Left,
    Lost,
    Missing,
    Needy,
    Poke,
    Right,
    Twin,
    Waiting,
    WebTwin,
)
from xmppd.core.host import Host
from xmppd.core.loader import Loader, ModuleError, find_modules
from xmppd.core.module import Module, ModuleAPI
from xmppd.core.services import Services
from xmppd.server import Server
from xmppd.testing.server import MemoryServer


def state(host: Host) -> tuple[object, ...]:
    """Give all that modules have put into a host."""
    chains = {hook.name: chain for hook, chain in host.hooks.chains()}
    route = host.routes.find("/poke/a")
    routes = {} if route is None else route.methods
    return tuple(host.modules.items()), dict(host.iq_handlers), chains, host.stream_features, dict(routes)


def loader_of(server: Server, known: dict[str, type[Module]], services: Services) -> Loader:
    """Give a loader of these modules, with these services."""

    def api_for(host: Host) -> ModuleAPI:
        return ModuleAPI(
            host,
            server.router,
            server.registry,
            server.timers,
            server.storage,
            services,
            lambda: 0.0,
            server.core.web,
            execute,
        )

    return Loader(known, api_for, lambda host, cls: cls.options())


class LoaderTests(SynchronousTestCase):
    """`Loader`."""

    def setUp(self) -> None:
        """Give each test a host without modules."""
        server = MemoryServer().server
        self.host = Host("localhost", server.hosts["localhost"].settings)
        self.services = Services([Given()])
        known: dict[str, type[Module]] = {cls.name: cls for cls in (Base, Poke, Twin, Left, Right)}
        self.loader = loader_of(server, known, self.services)

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

    def test_what_is_handled_from_the_start_on(self) -> None:
        """`Module.handle` is for as long as the module is there."""
        self.loader.known["choosy"] = Choosy
        self.loader.load(self.host, "choosy")
        self.assertEqual(self.host.hooks.ask(POKED, "you"), "not now, you")
        self.loader.unload(self.host, "choosy")
        self.assertIsNone(self.host.hooks.ask(POKED, "you"))

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
        self.assertEqual(getattr(self.host.modules["fresh"], "answer"), "new")  # noqa: B009 - made by this test

    def test_a_refused_load_leaves_no_trace(self) -> None:
        """Whatever fails, and at which step: nothing is left of the module and of what came for its sake."""
        self.loader.load(self.host, "base")
        for cls in (Twin, WebTwin, Failing, Waiting, Lost, Needy, Missing):
            self.loader.known[cls.name] = cls
        self.loader.known["twin"] = type("Twin", (Twin,), {"requires": ("poke",)})
        self.loader.known["webtwin"] = type("WebTwin", (WebTwin,), {"requires": ("poke",)})
        before = state(self.host)
        told = {}
        for name in ("twin", "webtwin", "failing", "waiting", "lost", "needy", "missing", "left"):
            told[name] = str(self.assertRaises(ModuleError, self.loader.load, self.host, name))
            self.assertEqual(state(self.host), before, name)
        self.assertEqual(Failing.taken, [])
        self.assertEqual(
            told,
            {
                "twin": "twin cannot be loaded on localhost: twin cannot join localhost: poke answers IQs of type get "
                "with {urn:example:poke}poke to host already",
                "webtwin": "webtwin cannot be loaded on localhost: webtwin cannot join localhost: poke answers GET "
                "/poke/{anybody} already",
                "failing": "failing cannot be loaded on localhost: RuntimeError: no luck",
                "waiting": "waiting waits in start; it has to return at once, and to spawn what waits",
                "lost": "lost cannot be loaded on localhost: lost cannot join localhost: the hook client-stanza needs "
                "a station; it has blocking, cleaning, acting, archiving, copying",
                "needy": "needy cannot be loaded on localhost: needy reaches the service Poke, which its class body "
                "does not name in `uses`",
                "missing": "missing cannot be loaded on localhost: this server has no service Poke",
                "left": "left requires right requires left: a circle",
            },
        )

    def test_a_failed_reload_leaves_no_trace(self) -> None:
        """The old one works on, in its place among the others, with the names of its file as they were."""
        source = self.load_fresh("answer = 'old'")
        self.loader.load(self.host, "poke")
        before, contents = state(self.host), dict(vars(source))
        for text in (
            "this is no Python",
            "raise ImportError('what it needs is not there')",
            "answer = 'new'",
            _TEXT.format("def start(self): raise RuntimeError('no')"),
            _TEXT.format("requires = ('poke', 'nowhere')"),
            _TEXT.format("uses = (str,)"),
            _TEXT.format("@iq('get', 'urn:example:poke', 'poke')\n    def on_poke(self, request): pass"),
        ):
            _SOURCES[source.__name__] = text
            error = self.assertRaises(ModuleError, self.loader.reload, self.host, "fresh")
            self.assertNotIn("\n", str(error))
            self.assertEqual((state(self.host), vars(source)), (before, contents), text)
        self.assertIs(self.loader.known["fresh"], type(self.host.modules["fresh"]))
        self.assertTrue(getattr(self.host.modules["fresh"], "is_started"))  # noqa: B009 - others do not ask

    def test_a_reload_keeps_the_order_of_equals(self) -> None:
        """A module that is reloaded is called where it was, and stands where it stood."""
        source = self.load_fresh("@on(POKED)\n    def on_poked(self, who): return 'fresh'")
        self.loader.load(self.host, "poke")
        _SOURCES[source.__name__] = _TEXT.format("@on(POKED)\n    def on_poked(self, who): return 'fresher'")
        self.loader.reload(self.host, "fresh")
        self.assertEqual(self.host.hooks.ask(POKED, "you"), "fresher")
        self.assertEqual(list(self.host.modules), ["fresh", "base", "poke"])

    def test_an_end_that_fails_ends_the_rest(self) -> None:
        """A module whose `stop` raises is taken out whole; the log has the traceback."""
        source = self.load_fresh("def stop(self): raise RuntimeError('no')")
        self.loader.unload(self.host, "fresh")
        self.assertEqual(state(self.host), ((), {}, {}, (), {}))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        del source

    def load_fresh(self, line: str) -> types.ModuleType:
        """Load a module that is made of *line*; its text can be changed in `_SOURCES`."""
        source = _module_file(line)
        self.loader.known["fresh"] = source.Fresh
        self.loader.load(self.host, "fresh")
        return source

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
    "from xmppd.core.module import Module, iq, on\nfrom tests.core.loaded_modules import POKED\n"
    "class Fresh(Module):\n"
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

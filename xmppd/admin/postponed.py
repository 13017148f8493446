"""Parts of Python that Twisted and others import, and a server never uses, are loaded when somebody asks for them.

In place of each stands a module without contents, which is filled with the first name that is asked of it. What Python
3.15 calls ``lazy import`` is the same; until then this saves memory and time at a start. Nothing that serving needs is
among them, so that nobody waits for a file.
"""

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from importlib.util import find_spec
from threading import RLock
from types import ModuleType
from typing import Any, Final

CALLED: Final = "()"
"""Stands for a function of the module itself, which is only called: what is given out for it loads the module then."""
POSTPONED: Final[Mapping[str, Mapping[str, str]]] = {
    "asyncio": {"AbstractEventLoop": "events", "Future": "futures", "iscoroutine": "coroutines"},
    "bz2": {},
    "calendar": {},
    "difflib": {},
    "getpass": {},
    "gettext": {"gettext": CALLED},
    "html": {"escape": CALLED},
    "http.cookiejar": {},
    "importlib.metadata": {},
    "locale": {},
    "lzma": {},
    "pdb": {},
    "pty": {},
    "shutil": {},
    "tempfile": {},
    "textwrap": {},
    "twisted.python.modules": {"getModule": CALLED},
}
"""By name; with the names that are asked for at a start, and which module of the package has each, or `CALLED`.

Who imports them: Twisted's Deferreds (asyncio); we, for mistakes (difflib), modules from outside (importlib.metadata)
and what xmppctl asks for (shutil, with bz2 and lzma); Twisted, for names of old (html; http.cookiejar, with
urllib.request, http.client and ssl), for long bodies over HTTP and old dates (tempfile, calendar), for its plug-ins
(twisted.python.modules, with zipfile), for help (textwrap), for passwords and terminals that nobody has there
(getpass, pty); ``subprocess`` (locale); ``getopt`` (gettext); twistd (pdb, with cmd, bdb and pprint).
"""


class Postponed(ModuleType):
    """A module or package that is empty until it is asked for a name that it has not."""

    def __init__(self, name: str, known: Mapping[str, str]) -> None:
        """*known*: see `POSTPONED`. It is to be found."""
        super().__init__(name)
        spec = find_spec(name)
        assert spec is not None and spec.loader is not None, "it is a part of Python or of Twisted"
        self.__spec__, self.__loader__, self.__package__ = spec, spec.loader, spec.parent
        self.__file__ = spec.origin
        if spec.submodule_search_locations is not None:
            self.__path__ = spec.submodule_search_locations
        self._loader = spec.loader
        self._known = known
        self._filling = RLock()
        self._is_filling = self._is_full = False

    def __getattr__(self, name: str) -> Any:
        """Asked for what is not there; what begins with ``__`` is asked of every module by those who look around."""
        if name.startswith("__"):
            raise AttributeError(name)
        if not self._is_full:
            if self._known.get(name) == CALLED:
                return lambda *args, **kwargs: self._own(name)(*args, **kwargs)  # noqa: PLW0108 - not before the call
            if name in self._known:
                return getattr(import_module(f"{self.__name__}.{self._known[name]}"), name)
            if "__path__" in vars(self) and find_spec(f"{self.__name__}.{name}") is not None:
                return import_module(f"{self.__name__}.{name}")
        return self._own(name)

    def _own(self, name: str) -> Any:
        """Give what it has itself. Who asks while another thread loads it waits."""
        with self._filling:
            if not self._is_full and not self._is_filling:
                self._fill()
        try:
            return vars(self)[name]
        except KeyError:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None

    def _fill(self) -> None:
        """Run the module's code; it is like any other then."""
        self._is_filling = True
        try:
            self._loader.exec_module(self)
        finally:
            self._is_filling = False
        self._is_full = True


def is_empty(module: ModuleType) -> bool:
    """Whether it is one that nobody has asked for anything yet."""
    return isinstance(module, Postponed) and not vars(module)["_is_full"]


def postpone(names: Iterable[str] = POSTPONED) -> None:
    """Put the empty ones in the place of those that are not there yet; to be called before Twisted is imported."""
    for name in names:
        if name not in sys.modules:
            above, _, last = name.rpartition(".")
            module = sys.modules[name] = Postponed(name, POSTPONED[name])
            if above:
                setattr(import_module(above), last, module)

"""Loads modules into hosts, in the order of what they require, and takes them out again while the server runs.

All or nothing: a load that fails, at whichever module and step, leaves the host as it was, and so does a failed
reload. A module is made, checked against what is there, attached, and started; nothing of that waits.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import TypeGuard

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.core.attaching import Clash, attach, check, detach, put_in_place
from xmppd.core.host import Host
from xmppd.core.module import Module, ModuleAPI, Options
from xmppd.core.outside import OutsideModules, UnusableModule, forget_import
from xmppd.core.services import NoService

APIFor = Callable[[Host], ModuleAPI]
OptionsFor = Callable[[Host, type[Module]], Options]


class ModuleError(Exception):
    """A module that cannot be loaded or unloaded; the text says why, in one line."""


def find_modules(package: ModuleType) -> dict[str, type[Module]]:
    """Give every module class in *package* and its sub-packages, by the module's name."""
    found: dict[str, type[Module]] = {}
    for source in _files(package):
        for cls in vars(source).values():
            if _is_module(cls) and cls.__module__ == source.__name__ and "name" in vars(cls):
                found[cls.name] = cls
    return found


@cache
def _files(package: ModuleType) -> tuple[ModuleType, ...]:
    """Import all that is in a package and its sub-packages."""
    found = pkgutil.walk_packages(package.__path__, package.__name__ + ".")
    return tuple(importlib.import_module(info.name) for info in found)


class Loader:
    """Which modules there are, and which are in which host."""

    _log = Logger()

    def __init__(self, known: Mapping[str, type[Module]], api_for: APIFor, options_for: OptionsFor):
        """*known* is what `find_modules` gave; *options_for* validates a module's options for a host."""
        self.known = dict(known)
        self._outside = OutsideModules(known)
        self._api_for = api_for
        self._options_for = options_for

    def discover(self, name: str) -> type[Module] | None:
        """Give the class of a module, one from outside too, which is imported then; `ModuleError` if it cannot be."""
        if name not in self.known and name in self._outside:
            try:
                self.known[name] = self._outside.load(name)
            except UnusableModule as error:
                raise ModuleError(str(error)) from error
        return self.known.get(name)

    def is_from_outside(self, name: str) -> bool:
        """Whether a distribution other than this one offers it."""
        return name in self._outside

    def load_all(self, host: Host, names: Iterable[str]) -> None:
        """Load these modules and what they require; `ModuleError` where one is unknown or fails."""
        for name in names:
            self._load(host, name)

    def load(self, host: Host, name: str) -> None:
        """Load one module and what it requires; `ModuleError`, and then the host is as it was."""
        if name in host.modules:
            raise ModuleError(f"{name} is loaded already on {host.name}")
        self._load(host, name)

    def unload(self, host: Host, name: str) -> None:
        """Take a module out of a host; `ModuleError` where it is not there or another requires it."""
        module = self._loaded(host, name)
        needing = sorted(other.name for other in host.modules.values() if name in other.requires)
        if needing:
            raise ModuleError(f"{name} is required by {', '.join(needing)}")
        self._take_out(host, [module])
        self._log.info("Module {module} is unloaded on {host}", module=name, host=host.name)

    def reload(self, host: Host, name: str) -> None:
        """Read a module's file anew and put the new class in the old one's place.

        `ModuleError`, and then the old one is there as before, in its place among the others; where the new one had
        been made and only its start failed, the old one has been stopped and started.
        """
        old = self._loaded(host, name)
        source = importlib.import_module(type(old).__module__)
        contents = dict(vars(source))
        brought: list[Module] = []
        try:
            cls = find_class(_read_anew(source), name)
            for required in cls.requires:
                brought += self._bring(host, required, (name,))
            new = self._make(host, cls)
            check(host, new, old)
            self._exchange(host, old, new)
        except Exception as error:
            self._take_out(host, brought)
            vars(source).clear()
            vars(source).update(contents)
            raise ModuleError(f"{name} cannot be reloaded on {host.name}: {_words(error)}") from error
        self.known[name] = cls
        self._log.info("Module {module} is reloaded on {host}", module=name, host=host.name)

    def _loaded(self, host: Host, name: str) -> Module:
        module = host.modules.get(name)
        if not isinstance(module, Module):
            raise ModuleError(f"{name} is not loaded on {host.name}")
        return module

    def _load(self, host: Host, name: str) -> None:
        known = dict(self.known)
        try:
            self._bring(host, name, ())
        except Exception as error:
            for discovered in self.known.keys() - known:
                forget_import(self.known[discovered])
            self.known = known
            if isinstance(error, ModuleError):
                raise
            raise ModuleError(f"{name} cannot be loaded on {host.name}: {_words(error)}") from error

    def _bring(self, host: Host, name: str, above: tuple[str, ...]) -> list[Module]:
        """Load *name* and what it requires, as far as that is not there; gives what was loaded, none on an error."""
        brought: list[Module] = []
        try:
            for cls in self._wanted(host, name, above):
                module = self._make(host, cls)
                attach(host, module)
                brought.append(module)
                _start(module)
        except Exception:
            self._take_out(host, brought)
            raise
        return brought

    def _take_out(self, host: Host, brought: list[Module]) -> None:
        for module in reversed(brought):
            self._end(module)
            detach(host, module)

    def _wanted(self, host: Host, name: str, above: tuple[str, ...]) -> list[type[Module]]:
        """Give the classes that *name* needs and the host lacks, in the order of loading."""
        if name in host.modules:
            return []
        if name in above:
            raise ModuleError(f"{' requires '.join((*above, name))}: a circle")
        cls = self.discover(name)
        if cls is None:
            wanted = f", required by {above[-1]}" if above else ""
            raise ModuleError(f"there is no module {name}{wanted}")
        if host.kind not in cls.for_hosts:
            wanted = f" {above[-1]} requires {name}, which is not" if above else f" {name} is not"
            raise ModuleError(
                f"{host.name} is a domain of the kind {host.kind.value}:{wanted} for such domains"
            )
        wanted_classes: list[type[Module]] = []
        for required in cls.requires:
            wanted_classes += self._wanted(host, required, (*above, name))
        return [*dict.fromkeys(wanted_classes), cls]

    def _make(self, host: Host, cls: type[Module]) -> Module:
        api = self._api_for(host)
        return cls(
            replace(api, services=api.services.for_module(cls.name, cls.uses)), self._options_for(host, cls)
        )

    def _exchange(self, host: Host, old: Module, new: Module) -> None:
        """Let *new* work in the place of *old*; if it cannot start, *old* does again."""
        self._end(old)
        put_in_place(host, new, old)
        try:
            _start(new)
        except Exception:
            self._end(new)
            put_in_place(host, old, new)
            self._start_again(host, old)
            raise

    def _start_again(self, host: Host, old: Module) -> None:
        try:
            _start(old)
        except Exception:  # noqa: BLE001 - a part of the net of `reload`, whose own error is told
            self._log.failure(
                "Module {module} does not start again on {host}: unloaded", module=old.name, host=host.name
            )
            self._take_out(host, [old])

    def _end(self, module: Module) -> None:
        """Stop a module, if it had started, and undo what it has taken; all of it, whatever fails."""
        calls = [module.stop] if module.is_started else []
        for call in [*calls, *reversed(module.endings)]:
            try:
                call()
            except Exception:  # noqa: BLE001 - the net of a module's end: what it holds beside this is let go too
                self._log.failure("Module {module} has failed at its end", module=module.name)
        module.endings.clear()
        module.is_started = False


def find_class(source: ModuleType, name: str) -> type[Module]:
    """Give the module class called *name* in a Python module; `ModuleError` where there is none."""
    for cls in vars(source).values():
        if _is_module(cls) and vars(cls).get("name") == name:
            return cls
    raise ModuleError(f"{source.__name__} holds no module {name}")


def _is_module(thing: object) -> TypeGuard[type[Module]]:
    return isinstance(thing, type) and issubclass(thing, Module)


def _read_anew(source: ModuleType) -> ModuleType:
    """Read a file anew; what it defined before and does not any more is gone, which Python would keep."""
    for defined in [defined for defined in vars(source) if not defined.startswith("__")]:
        del vars(source)[defined]
    return importlib.reload(source)


def _start(module: Module) -> None:
    started: Callable[[], object] = module.start
    waiting = started()
    if isinstance(waiting, Deferred):
        waiting.addErrback(lambda failure: None)
        raise ModuleError(f"{module.name} waits in start; it has to return at once, and to spawn what waits")
    module.is_started = True


def _words(error: Exception) -> str:
    """Word an error in one line, with its class unless it is one of ours that speaks for itself."""
    text = " ".join(str(error).split())
    if isinstance(error, ModuleError | Clash | NoService):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

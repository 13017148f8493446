"""Loads modules into hosts, in the order of what they require, and takes them out again while the server runs."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.core.host import Host
from xmppd.core.module import HookHandler, IQHandler, Module, ModuleAPI

APIFor = Callable[[Host], ModuleAPI]
OptionsFor = Callable[[Host, type[Module]], Any]


class ModuleError(Exception):
    """A module that cannot be loaded or unloaded; the text says why, in one line."""


def find_modules(package: ModuleType) -> dict[str, type[Module]]:
    """Give every module class in *package* and its sub-packages, by the module's name."""
    found: dict[str, type[Module]] = {}
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        source = importlib.import_module(info.name)
        for _, cls in inspect.getmembers(source, inspect.isclass):
            if issubclass(cls, Module) and cls.__module__ == source.__name__ and "name" in vars(cls):
                found[cls.name] = cls
    return found


class Loader:
    """Which modules there are, and which are in which host."""

    _log = Logger()

    def __init__(self, known: Mapping[str, type[Module]], api_for: APIFor, options_for: OptionsFor):
        """*known* is what `find_modules` gave; *options_for* validates a module's options for a host."""
        self.known = dict(known)
        self._api_for = api_for
        self._options_for = options_for

    def load_all(self, host: Host, names: Iterable[str]) -> None:
        """Load these modules and what they require; `ModuleError` where one is unknown or fails."""
        for name in names:
            self._load(host, name, ())

    def load(self, host: Host, name: str) -> None:
        """Load one module and what it requires; `ModuleError` where it is loaded already."""
        if name in host.modules:
            raise ModuleError(f"{name} is loaded already on {host.name}")
        self._load(host, name, ())

    def unload(self, host: Host, name: str) -> Deferred[None] | None:
        """Take a module out of a host; `ModuleError` where it is not there or another requires it."""
        module = host.modules.get(name)
        if module is None:
            raise ModuleError(f"{name} is not loaded on {host.name}")
        needing = sorted(other.name for other in host.modules.values() if name in other.requires)
        if needing:
            raise ModuleError(f"{name} is required by {', '.join(needing)}")
        stopped = module.stop()
        self._detach(host, module)
        self._log.info("Module {module} is unloaded on {host}", module=name, host=host.name)
        return stopped if isinstance(stopped, Deferred) else None

    def reload(self, host: Host, name: str) -> None:
        """Read a module's file anew and put the new class in the old one's place; on failure the old one stays."""
        old = host.modules.get(name)
        if old is None:
            raise ModuleError(f"{name} is not loaded on {host.name}")
        source = importlib.import_module(type(old).__module__)
        try:
            fresh = find_class(importlib.reload(source), name)
            new = fresh(self._api_for(host), self._options_for(host, fresh))
        except Exception as error:
            raise ModuleError(f"{name} cannot be read anew: {error}") from error
        old.stop()
        self._detach(host, old)
        self.known[name] = fresh
        self._attach(host, new)
        self._log.info("Module {module} is reloaded on {host}", module=name, host=host.name)

    def _load(self, host: Host, name: str, above: tuple[str, ...]) -> None:
        if name in host.modules:
            return
        if name in above:
            raise ModuleError(f"{' requires '.join((*above, name))}: a circle")
        cls = self.known.get(name)
        if cls is None:
            wanted = f", required by {above[-1]}" if above else ""
            raise ModuleError(f"there is no module {name}{wanted}")
        if host.kind not in cls.for_hosts:
            wanted = f" {above[-1]} requires {name}, which is not" if above else f" {name} is not"
            raise ModuleError(
                f"{host.name} is a domain of the kind {host.kind.value}:{wanted} for such domains"
            )
        for required in cls.requires:
            self._load(host, required, (*above, name))
        self._attach(host, cls(self._api_for(host), self._options_for(host, cls)))

    def _attach(self, host: Host, module: Module) -> None:
        for declaration, method in module.handlers():
            if isinstance(declaration, HookHandler):
                host.hooks.add(declaration.hook, method, declaration.priority)
            else:
                self._attach_iq(host, module, declaration, method)
        host.modules[module.name] = module
        host.stream_features = (*host.stream_features, *module.stream_features())
        module.start()

    def _attach_iq(
        self, host: Host, module: Module, declaration: IQHandler, method: Callable[..., Any]
    ) -> None:
        for key in declaration.keys:
            if key in host.iq_handlers:
                raise ModuleError(f"{module.name}: another module answers {key} already on {host.name}")
            host.iq_handlers[key] = method

    def _detach(self, host: Host, module: Module) -> None:
        for declaration, method in module.handlers():
            if isinstance(declaration, HookHandler):
                host.hooks.remove(declaration.hook, method)
            else:
                for key in declaration.keys:
                    del host.iq_handlers[key]
        del host.modules[module.name]
        host.stream_features = tuple(
            feature for other in host.modules.values() for feature in other.stream_features()
        )


def find_class(source: ModuleType, name: str) -> type[Module]:
    """Give the module class called *name* in a Python module; `ModuleError` where there is none."""
    for cls in vars(source).values():
        if inspect.isclass(cls) and issubclass(cls, Module) and vars(cls).get("name") == name:
            return cls
    raise ModuleError(f"{source.__name__} holds no module {name}")

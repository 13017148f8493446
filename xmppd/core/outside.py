"""Modules from outside: classes that other distributions offer as entry points of the group ``xmppd.modules``.

The entry point's name is the module's name. Nothing of such a distribution is imported before its module is wanted;
a module of ours cannot be replaced by one from outside (docs/modules.rst).
"""

import importlib.metadata  # nothing is asked of it before a name of nobody's here is wanted
import inspect
import sys
from collections.abc import Collection
from typing import Protocol

from xmppd.core.module import Module, Options

GROUP = "xmppd.modules"


class Distribution(Protocol):
    """What is installed."""

    @property
    def name(self) -> str:
        """Its name."""


class Offer(Protocol):
    """An entry point."""

    @property
    def value(self) -> str:
        """What it stands for."""

    @property
    def dist(self) -> Distribution | None:
        """Whose it is."""

    def load(self) -> object:
        """Import what it stands for."""


class UnusableModule(LookupError):
    """A module from outside that cannot be used; the text says why, in one line."""


class OutsideModules:
    """What other distributions offer, found at the first question."""

    def __init__(self, in_house: Collection[str]):
        """*in_house* are the names that nobody else can have."""
        self._in_house = frozenset(in_house)
        self._offered: dict[str, list[Offer]] | None = None

    def __contains__(self, name: str) -> bool:
        return name not in self._in_house and name in self._found()

    def load(self, name: str) -> type[Module]:
        """Import a module and give its class; `UnusableModule`, and then nothing of it stays imported."""
        before = set(sys.modules)
        try:
            return _checked(name, self._load(name))
        except Exception as error:
            for imported in set(sys.modules) - before:
                del sys.modules[imported]
            if isinstance(error, UnusableModule):
                raise
            words = " ".join(f"{type(error).__name__}: {error}".split())
            raise UnusableModule(f"the module {name} cannot be imported: {words}") from error

    def _load(self, name: str) -> object:
        offers = self._found().get(name, [])
        if len(offers) != 1:
            sources = " and ".join(sorted(offer.dist.name if offer.dist else offer.value for offer in offers))
            raise UnusableModule(
                f"{sources} both offer a module {name}" if offers else f"nobody offers a module {name}"
            )
        return offers[0].load()

    def _found(self) -> dict[str, list[Offer]]:
        if self._offered is None:
            self._offered = {}
            for offer in importlib.metadata.entry_points(group=GROUP):
                self._offered.setdefault(offer.name, []).append(offer)
        return self._offered


def forget_import(cls: type[Module]) -> None:
    """Have the file of *cls*, and what is below it, imported anew when it is wanted again."""
    for imported in list(sys.modules):
        if imported == cls.__module__ or imported.startswith(f"{cls.__module__}."):
            del sys.modules[imported]


def _checked(name: str, cls: object) -> type[Module]:
    if not (inspect.isclass(cls) and issubclass(cls, Module)):
        raise UnusableModule(f"the module {name} is no class derived from xmppd.core.module.Module")
    if vars(cls).get("name") != name:
        raise UnusableModule(f'the class of the module {name} does not say name = "{name}"')
    if not isinstance(vars(cls).get("summary"), str):
        raise UnusableModule(f"the class of the module {name} has no summary")
    if not (inspect.isclass(cls.options) and issubclass(cls.options, Options)):
        raise UnusableModule(f"the options of the module {name} are not derived from Options")
    return cls

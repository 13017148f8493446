"""The services of a server, found by their class."""

from collections.abc import Iterable
from typing import TypeVar

S = TypeVar("S")


class NoService(LookupError):
    """A service is asked for that is not there, or that a module does not declare; the text says which."""


class Services:
    """The services of this server, found by their class."""

    def __init__(self, services: Iterable[object] = ()):
        self._by_class: dict[type, object] = {type(service): service for service in services}
        self._of = ""

    def add(self, *services: object) -> None:
        """Offer each of *services* under its class."""
        for service in services:
            self._by_class[type(service)] = service

    def __getitem__(self, cls: type[S]) -> S:
        """Give the service of this class; `NoService` where there is none."""
        try:
            return self._by_class[cls]  # type: ignore[return-value]  # keyed by the class itself
        except KeyError:
            raise NoService(self._missing(cls)) from None

    def for_module(self, name: str, uses: Iterable[type]) -> "Services":
        """Give what the module *name* says that it uses, and nothing else; `NoService` where it is not there."""
        own = Services(self[cls] for cls in uses)
        own._of = name
        return own

    def _missing(self, cls: type) -> str:
        if self._of:
            return (
                f"{self._of} reaches the service {cls.__name__}, which its class body does not name in `uses`"
            )
        return f"this server has no service {cls.__name__}"

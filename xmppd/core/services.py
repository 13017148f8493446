"""The services of a server, found by their class."""

from collections.abc import Iterable
from typing import TypeVar

S = TypeVar("S")


class Services:
    """The services of this server, found by their class."""

    def __init__(self, services: Iterable[object] = ()):
        self._by_class: dict[type, object] = {type(service): service for service in services}

    def add(self, *services: object) -> None:
        """Offer each of *services* under its class."""
        for service in services:
            self._by_class[type(service)] = service

    def __getitem__(self, cls: type[S]) -> S:
        """Give the service of this class; KeyError where there is none."""
        return self._by_class[cls]  # type: ignore[return-value]  # keyed by the class itself

"""A module that a domain has loaded, by its class; after a reload that is another one of the same name."""

from typing import TypeVar, cast

from xmppd.core.host import Host
from xmppd.core.module import Module

M = TypeVar("M", bound=Module)


def loaded(host: Host, cls: type[M]) -> M | None:
    """Give the module *cls* of a domain; None where it is not loaded, or another one of its name."""
    found = host.modules.get(cls.name)
    if found is None or (type(found).__module__, type(found).__qualname__) != (
        cls.__module__,
        cls.__qualname__,
    ):
        return None
    return cast(M, found)

"""Libraries that some options alone want, and that come with extras of the distribution: ``pip install 'xmppd[…]'``.

What is configured and cannot work is a mistake in the configuration, told before anything starts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

from xmppd.config.findings import Finding
from xmppd.config.lines import Path
from xmppd.config.model import Config
from xmppd.config.options import ModuleTable
from xmppd.config.schema import dotted


@dataclass(frozen=True, slots=True)
class Extra:
    """An extra of setup.cfg."""

    name: str
    package: str
    """What is imported."""
    wanted_by: Callable[[Config], Path | None]
    """Gives the option that needs it; None where none does."""


def _metrics(config: Config) -> Path | None:
    return ("metrics", "listen") if config.metrics.listen else None


def _ldap(config: Config) -> Path | None:
    hosts = (host.name for host in config.hosts.values() if host.auth == "ldap")
    return next((("hosts", name, "auth") for name in hosts), None)


def _oauth(config: Config) -> Path | None:
    """Where tokens are only asked about, no library is needed."""
    for host in config.hosts.values():
        if host.auth == "oauth" and host.auth_oauth is not None and host.auth_oauth.jwks_url is not None:
            return ("hosts", host.name, "auth_oauth", "jwks_url")
    return None


def _images(config: Config) -> Path | None:
    tables: list[tuple[Path, Mapping[str, ModuleTable]]] = [((), config.modules)]
    tables += [((*config.table_of(name),), host.modules) for name, host in config.hosts.items()]
    for above, modules in tables:
        table = modules.get("avatars")
        if table is not None and (table.model_extra or {}).get("convert") is True:
            return (*above, "modules", "avatars", "convert")
    return None


EXTRAS: Final = (
    Extra("metrics", "prometheus_client", _metrics),
    Extra("ldap", "ldap3", _ldap),
    Extra("oauth", "jwt", _oauth),
    Extra("images", "PIL", _images),
)


def missing_extras(
    config: Config, has: Callable[[str], bool] = lambda package: find_spec(package) is not None
) -> Iterator[Finding]:
    """Give what *config* needs and is not installed."""
    for extra in EXTRAS:
        path = extra.wanted_by(config)
        if path is not None and not has(extra.package):
            why = f"the library {extra.package} is not installed"
            remedy = f"pip install 'xmppd[{extra.name}]', in the environment that xmppd is in"
            yield Finding(
                "config.missing-library", "error", config.source.place(path), dotted(path), why, remedy
            )

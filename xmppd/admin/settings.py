"""The configuration as the server takes it: the file's mistakes, those in the options of modules, and in ciphers."""

from collections.abc import Iterator, Mapping

import xmppd.modules
from xmppd.admin.extras import missing_extras
from xmppd.config.findings import ConfigErrors, has_errors
from xmppd.config.model import Config
from xmppd.config.modules import KnownModule, check_modules
from xmppd.config.read import load
from xmppd.core.loader import find_modules
from xmppd.core.module import Module
from xmppd.core.outside import OutsideModules, UnusableModule
from xmppd.net.tls.options import check_ciphers


class KnownModules(Mapping[str, KnownModule]):
    """Every module of ours, and those from outside that are asked for by name: before that, none is imported."""

    def __init__(self, classes: Mapping[str, type[Module]]):
        self._known = {name: _known(cls) for name, cls in classes.items()}
        self._outside = OutsideModules(classes)

    def __contains__(self, name: object) -> bool:
        return name in self._known or (isinstance(name, str) and name in self._outside)

    def __getitem__(self, name: str) -> KnownModule:
        if name not in self._known and name in self._outside:
            try:
                self._known[name] = _known(self._outside.load(name))
            except UnusableModule as error:
                self._known[name] = KnownModule(problem=str(error))
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._known))

    def __len__(self) -> int:
        return len(self._known)


def known_modules() -> KnownModules:
    """Give every module that there is, with the model of its options and the kinds of domain that it serves."""
    return KnownModules(find_modules(xmppd.modules))


def _known(cls: type[Module]) -> KnownModule:
    return KnownModule(cls.options, cls.for_hosts, cls.may_be_service(), cls.is_default)


def read_settings(path: str | None, env: Mapping[str, str]) -> Config:
    """Read the file *path*, or the defaults; raises `ConfigErrors` with every mistake in it."""
    config = load(path, env)
    findings = [*check_modules(config, known_modules()), *check_ciphers(config), *missing_extras(config)]
    if has_errors(findings):
        raise ConfigErrors([*config.warnings, *findings])
    return config.with_warnings((*config.warnings, *findings))

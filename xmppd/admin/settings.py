"""The configuration as the server takes it: the file's mistakes, those in the options of modules, and in ciphers."""

from collections.abc import Mapping

import xmppd.modules
from xmppd.admin.not_served import not_served
from xmppd.config.findings import ConfigErrors, has_errors
from xmppd.config.model import Config
from xmppd.config.modules import KnownModule, check_modules
from xmppd.config.read import load
from xmppd.core.loader import find_modules
from xmppd.net.tls.options import check_ciphers


def known_modules() -> dict[str, KnownModule]:
    """Give every module that there is, with the model of its options and the kinds of domain that it serves."""
    return {
        name: KnownModule(cls.options, cls.for_hosts, cls.may_be_service())
        for name, cls in find_modules(xmppd.modules).items()
    }


def read_settings(path: str | None, env: Mapping[str, str]) -> Config:
    """Read the file *path*, or the defaults; raises `ConfigErrors` with every mistake in it."""
    config = load(path, env)
    findings = [*check_modules(config, known_modules()), *check_ciphers(config), *not_served(config)]
    if has_errors(findings):
        raise ConfigErrors([*config.warnings, *findings])
    return config.with_warnings((*config.warnings, *findings))

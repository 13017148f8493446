"""Whether the modules that a configuration names are there, and their options right."""

from collections.abc import Mapping

from pydantic import BaseModel

from xmppd.config.findings import Finding, in_order
from xmppd.config.model import Config
from xmppd.config.module_options import unknown_module


def check_modules(config: Config, known: Mapping[str, type[BaseModel] | None]) -> list[Finding]:
    """Look at every ``[modules.NAME]``; *known* has each module's model of options, None for one without."""
    findings: list[Finding] = []
    for host, tables in [(None, config.modules), *((h.name, h.modules) for h in config.hosts.values())]:
        for name in tables:
            if name not in known:
                findings.append(unknown_module(name, known, config.source, host))
            else:
                findings += config.module_options(name, known[name] or _NoOptions, host)[1]
    return in_order(findings)


class _NoOptions(BaseModel):
    """For a module that has none."""

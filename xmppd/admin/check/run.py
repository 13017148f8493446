"""``xmppctl check``: every check there is, as a table, and running them."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from xmppd.admin.check.certificates import check_certificates
from xmppd.admin.check.config import check_config
from xmppd.admin.check.data_folder import check_data_folder
from xmppd.admin.check.listeners import check_listeners
from xmppd.admin.check.names import check_names
from xmppd.admin.check.subject import Machine, Subject
from xmppd.config.findings import Finding, in_order
from xmppd.config.modules import Known
from xmppd.config.read import examine


@dataclass(frozen=True, slots=True)
class Check:
    """One thing to look at."""

    name: str
    look: Callable[[Subject], Iterable[Finding]]
    needs_network: bool = False
    """Whether it asks other machines; then it is left out with ``offline``."""


CHECKS = (
    Check("config", check_config),
    Check("names", check_names),
    Check("certificates", check_certificates),
    Check("listeners", check_listeners),
    Check("data", check_data_folder),
)
CHECK_NAMES = tuple(check.name for check in CHECKS)


class UnknownCheck(ValueError):
    """Somebody asked for a check that there is not (wrong usage)."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no check '{name}'; there are {', '.join(CHECK_NAMES)}")


def run_checks(
    config_path: Path | str | None,
    env: Mapping[str, str],
    *,
    only: Collection[str] = (),
    offline: bool = False,
    modules: Known | None = None,
    machine: Machine | None = None,
) -> list[Finding]:
    """Look for mistakes in the configuration *config_path* (None: the defaults) and around it.

    *only* names the checks to run, all without it; *modules* has what is known of every module that there
    is. A file with mistakes is checked further as far as the rest of it goes. Raises UnknownCheck. May take a
    second where a server runs that does not answer.
    """
    for name in only:
        if name not in CHECK_NAMES:
            raise UnknownCheck(name)
    reading = examine(config_path, env)
    if reading.config is None:
        return reading.findings
    subject = Subject(reading, reading.config, machine or Machine(), modules)
    chosen = [c for c in CHECKS if (not only or c.name in only) and not (offline and c.needs_network)]
    return in_order(finding for check in chosen for finding in check.look(subject))

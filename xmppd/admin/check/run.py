"""``xmppctl check``: every check there is, as a table, and running them."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from xmppd.admin.check.certificates import check_certificates
from xmppd.admin.check.config import check_config
from xmppd.admin.check.data_folder import check_data_folder
from xmppd.admin.check.dns import check_dns
from xmppd.admin.check.features import check_features
from xmppd.admin.check.libraries import check_libraries
from xmppd.admin.check.listeners import check_listeners
from xmppd.admin.check.machine import Machine
from xmppd.admin.check.names import check_names
from xmppd.admin.check.relays import check_relays
from xmppd.admin.check.subject import Subject
from xmppd.admin.check.system import check_system
from xmppd.admin.check.tls import check_tls
from xmppd.admin.check.web import check_web
from xmppd.admin.rights import User, rights_of
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
    is_by_name: bool = False
    """Whether it is done only where it is named."""
    is_for_owner: bool = True
    """Whether root looks with the rights of the user whose data they are: that user will run the server."""


CHECKS = (
    Check("config", check_config),
    Check("names", check_names),
    Check("certificates", check_certificates),
    Check("listeners", check_listeners, is_for_owner=False),
    Check("dns", check_dns, needs_network=True),
    Check("web", check_web, needs_network=True),
    Check("relays", check_relays, needs_network=True),
    Check("data", check_data_folder),
    Check("system", check_system, is_for_owner=False),
    Check("tls", check_tls),
    Check("features", check_features, is_by_name=True),
    Check("libraries", check_libraries, is_for_owner=False),
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
    is. A file with mistakes is checked further as far as the rest of it goes. Root looks with the rights of the
    user whose data they are, but at ports, which a unit gives that user. Raises UnknownCheck. May take a second
    where a server runs that does not answer.
    """
    for name in only:
        if name not in CHECK_NAMES:
            raise UnknownCheck(name)
    reading = examine(config_path, env)
    if reading.config is None:
        return reading.findings
    subject = Subject(reading, reading.config, machine or Machine(), modules)
    chosen = [
        c
        for c in CHECKS
        if (c.name in only if only else not c.is_by_name) and not (offline and c.needs_network)
    ]
    owner = _owner(reading.config.data_dir)
    found = [] if config_path is None else _read_again(str(config_path), env, owner)
    for check in chosen:
        with rights_of(owner if check.is_for_owner else None):
            found += check.look(subject)
    return in_order(found)


def _owner(data_dir: Path) -> User | None:
    """Whose the data are; None where there are none yet."""
    try:
        return User.of(data_dir.stat().st_uid)
    except OSError:
        return None


def _read_again(config_path: str, env: Mapping[str, str], owner: User | None) -> list[Finding]:
    """What root has read, the owner must be able to read, too."""
    with rights_of(owner):
        again = examine(config_path, env)
    return again.findings if again.config is None else []

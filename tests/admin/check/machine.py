"""A machine on which all is well, for tests that spoil one thing."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from xmppd.admin.check.machine import Machine
from xmppd.admin.check.run import run_checks
from xmppd.admin.check.stranger import Seen
from xmppd.admin.check.stun import Refused, Server
from xmppd.config.findings import Finding
from xmppd.config.section import Address

NOW = datetime(2030, 6, 1, 12, tzinfo=UTC)
PLENTY = 10**12


def _bind(address: Address) -> None:
    """Every port is free."""


def _relayed(server: Server, credentials: tuple[str, str] | None) -> str:
    """Only who has credentials is let in."""
    if credentials is None:
        raise Refused(401, "Unauthorized")
    return "192.0.2.8"


def quiet_machine(**answers: Any) -> Machine:
    """A machine with every port free, no server and room on its disk; *answers* change that."""
    usual: dict[str, Any] = {
        "now": lambda: NOW,
        "is_running": lambda data_dir: False,
        "try_to_bind": _bind,
        "free_bytes": lambda folder: PLENTY,
        "services": lambda name, servers: (),
        "addresses": lambda name, servers: ("192.0.2.1", "2001:db8::1"),
        "pins": lambda host, port, servers: (),
        "vouches": lambda servers: True,
        "own_addresses": lambda: (),
        "clock_is_set": lambda: True,
        "free_inodes": lambda folder: PLENTY,
        "descriptor_limit": lambda data_dir: PLENTY,
        "fetch": lambda url: (404, b""),
        "mapped": lambda server: "192.0.2.7",
        "relayed": _relayed,
        "look": lambda address, domain, is_direct: Seen("TLSv1.3", b"", ""),
    }
    return Machine(**{**usual, **answers})


def check_text(
    folder: Path, text: str, env: Mapping[str, str] | None = None, *only: str, **answers: Any
) -> list[Finding]:
    """Run the checks over *text*, written as ``xmppd.toml`` into *folder*; data are in ``data`` there."""
    file = folder / "xmppd.toml"
    file.write_text(text, encoding="utf-8")
    environment = {"XMPPD_DATA": str(folder / "data")} if env is None else env
    modules = answers.pop("modules", None)
    return run_checks(file, environment, only=only, modules=modules, machine=quiet_machine(**answers))

"""Control commands about modules: what is loaded where, and changing it while the server runs."""

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred

from xmppd.admin.control.answers import HookRow, ModuleChanged, ModuleRow
from xmppd.admin.control.names import served
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.core.host import Host
from xmppd.core.loader import ModuleError
from xmppd.core.module import XEP
from xmppd.core.operations.running import does
from xmppd.core.turns import StepsTo, Turns, in_turns
from xmppd.core.waiting import deferred

CHANGED: Final = 1_000
"""The cost of a change on one host (`xmppd.core.turns`); to read a large file anew takes some times as long."""
_TO_SEE = "to see what is there: xmppctl module list"


@does("module.list")
def module_list(parts: ControlParts, host: str | None = None) -> list[ModuleRow]:
    """Give every known module with what it implements and the hosts that have it loaded; sorted by name."""
    hosts = _hosts(parts, host)
    return [
        {
            "name": name,
            "summary": cls.summary,
            "xeps": [xep.number for xep in _xeps(cls.xep)],
            "hosts": [served_host.name for served_host in hosts if name in served_host.modules],
        }
        for name, cls in sorted(parts.loader.known.items())
    ]


@does("module.load")
def module_load(parts: ControlParts, name: str, host: str | None = None) -> Deferred[ModuleChanged]:
    """Load a module, and what it requires, into a domain or all that it serves and lack it; gives their names."""
    cls = parts.loader.known.get(name)
    is_meant = [each for each in parts.hosts if host is not None or cls is None or each.kind in cls.for_hosts]
    if cls is not None and not is_meant:
        kinds = " or ".join(sorted(kind.value for kind in cls.for_hosts))
        raise ControlError(
            "module-error", f"{name} is for domains of the kind {kinds}, and none is served; {_TO_SEE}"
        )
    hosts = _choose(
        parts, name, host, lambda each: each in is_meant and name not in each.modules, "is loaded already"
    )
    return _each(parts, name, hosts, parts.loader.load)


@does("module.unload")
def module_unload(parts: ControlParts, name: str, host: str | None = None) -> Deferred[ModuleChanged]:
    """Take a module out of a host or all that have it; gives the hosts' names."""
    hosts = _choose(parts, name, host, lambda served_host: name in served_host.modules, "is not loaded")
    return _each(parts, name, hosts, parts.loader.unload)


@does("module.reload")
def module_reload(parts: ControlParts, name: str, host: str | None = None) -> Deferred[ModuleChanged]:
    """Read a module's file anew in a host or all that have it; gives the hosts' names."""
    hosts = _choose(parts, name, host, lambda served_host: name in served_host.modules, "is not loaded")
    return _each(parts, name, hosts, parts.loader.reload)


@does("module.hooks")
def module_hooks(parts: ControlParts, host: str | None = None) -> list[HookRow]:
    """Give each handler that modules have put into hooks: host, hook, station and module, in calling order."""
    return [
        {
            "host": served_host.name,
            "hook": hook.name,
            "station": None if link.station is None else link.station.name,
            "module": link.module,
        }
        for served_host in _hosts(parts, host)
        for hook, chain in served_host.hooks.chains()
        for link in chain
    ]


def _hosts(parts: ControlParts, name: str | None) -> list[Host]:
    return list(parts.hosts) if name is None else [served(parts.hosts, name)]


def _choose(
    parts: ControlParts, name: str, host: str | None, is_meant: Callable[[Host], bool], otherwise: str
) -> list[Host]:
    """Give the hosts that a change is for; `ControlError` ``module-error`` where there are none."""
    hosts = _hosts(parts, host)
    chosen = [candidate for candidate in hosts if is_meant(candidate)]
    if not chosen:
        where = f"on {host}" if host is not None else "on any host" if "not" in otherwise else "on every host"
        raise ControlError(
            "module-error", f"{name} {otherwise} {where}; to see what is there: xmppctl module list"
        )
    return chosen


@deferred
async def _each(
    parts: ControlParts, name: str, hosts: list[Host], change: Callable[[Host, str], None]
) -> ModuleChanged:
    """Make the change on each host, in turns; where one refuses, say what was done before."""
    done = await in_turns(parts.services[Turns], _changing(name, hosts, change))
    return {"name": name, "hosts": done}


def _changing(name: str, hosts: list[Host], change: Callable[[Host, str], None]) -> StepsTo[list[str]]:
    done: list[str] = []
    for host in hosts:
        try:
            change(host, name)
        except ModuleError as error:
            before = f"; done before on {', '.join(done)}" if done else ""
            raise ControlError("module-error", f"{error}{before}; {_TO_SEE}") from error
        done.append(host.name)
        yield CHANGED
    return done


def _xeps(declared: XEP | tuple[XEP, ...] | None) -> tuple[XEP, ...]:
    if declared is None:
        return ()
    return (declared,) if isinstance(declared, XEP) else declared

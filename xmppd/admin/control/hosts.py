"""Control commands about domains: which there are, which have data and are not served, and what becomes of those."""

from xmppd.admin.control.answers import DomainRow, LeftOver, Renamed
from xmppd.admin.control.names import served
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.core.operations.running import does
from xmppd.core.waiting import deferred
from xmppd.storage.interface import StorageFailed


@does("host.list")
@deferred
async def host_list(parts: ControlParts) -> list[DomainRow]:
    """Give every domain that is served with accounts, or has any; sorted by name."""
    await parts.accounts.ready()
    accounts = parts.accounts.by_host()
    is_served = {host.name for host in parts.hosts if host.has_accounts}
    return [
        {"host": name, "served": name in is_served, "accounts": accounts.get(name, 0)}
        for name in sorted(is_served | accounts.keys())
    ]


@does("host.look")
@deferred
async def host_look(parts: ControlParts, host: str) -> LeftOver:
    """Fail unless a domain has data and is not served; gives how many accounts it has."""
    await _check_left_over(parts, host)
    return {"host": host, "accounts": parts.accounts.by_host()[host]}


@does("host.purge")
@deferred
async def host_purge(parts: ControlParts, host: str) -> LeftOver:
    """Remove all data of a domain that is not served; gives how many accounts it had."""
    await _check_left_over(parts, host)
    return {"host": host, "accounts": await parts.accounts.purge(host)}


@does("host.rename")
@deferred
async def host_rename(parts: ControlParts, old: str, new: str) -> Renamed:
    """Give the data of a domain that is served no more to one that is; only while no server runs."""
    if parts.rename is None:
        raise ControlError(
            "running", "names are changed while the server is stopped: xmppctl stop, then again"
        )
    await _check_left_over(parts, old)
    target = served(parts.hosts, new)
    if not target.has_accounts:
        raise ControlError("unknown-host", f"{new} is a service and has no accounts")
    both = [name for name in parts.accounts.of_host(old) if parts.accounts.exists(_at(name, new))]
    if both:
        why = f"{both[0]} and {_at(both[0], new)} are two accounts"
        remedy = "remove one of them (serve both domains for that)"
        raise ControlError("account-exists", f"{why}: {remedy}; nothing is changed")
    accounts = len(parts.accounts.of_host(old))
    try:
        parts.rename(old, new)
    except StorageFailed as error:
        raise ControlError("storage-failed", f"{error}; nothing is changed") from error
    return {"old": old, "new": new, "accounts": accounts}


def _at(bare_jid: str, host: str) -> str:
    return f"{bare_jid.rpartition('@')[0]}@{host}"


async def _check_left_over(parts: ControlParts, host: str) -> None:
    """Raise `ControlError` unless *host* has data and is not served."""
    await parts.accounts.ready()
    if host in parts.hosts:
        raise ControlError(
            "served", f"{host} is served: take it out of the configuration and restart, then again"
        )
    if host not in parts.accounts.by_host():
        raise ControlError(
            "unknown-host", f"there are no accounts of {host}; to see what there is: xmppctl host list"
        )

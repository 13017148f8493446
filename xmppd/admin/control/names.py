"""Addresses as administrators type them, held against the hosts that are served."""

import difflib
from collections.abc import Sequence

from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.core.host import Host, Hosts
from xmppd.stanza.jid import JID, InvalidJID, why_invalid


def address(hosts: Hosts, text: str) -> JID:
    """Give the JID that *text* means: of a host, an account or a resource, on a served host.

    Where only one host has accounts, a name without a dot is an account on it. Raises `ControlError` ``invalid-name``,
    ``unknown-host`` or ``no-accounts``.
    """
    if "." not in text and len(hosts.of_accounts) == 1 and _is_lone_name(hosts, text):
        return account_address(hosts, text)
    jid = _parsed(text)
    with_accounts(hosts, jid.domainpart)
    return jid


def account_address(hosts: Hosts, text: str) -> JID:
    """Give the bare JID of an account on a served host; a lone name is one on the only host.

    Raises `ControlError` as `address`.
    """
    if _is_lone_name(hosts, text):
        if len(hosts.of_accounts) != 1:
            listed = _listed(hosts.of_accounts)
            raise ControlError("invalid-name", f"{text!r} lacks its host, {listed}; write it as name@host")
        text = f"{text}@{hosts.of_accounts[0].name}"
    jid = _parsed(text)
    if "@" not in text and jid.resourcepart is not None:
        raise ControlError("invalid-name", f"{text!r} is no account; write it as name@host")
    with_accounts(hosts, jid.domainpart)
    if jid.localpart is None:
        remedy = f"write it as name@{jid.domainpart}"
        raise ControlError("invalid-name", f"{text} is a host, not an account; {remedy}")
    if not jid.is_bare:
        raise ControlError("invalid-name", f"{text} names a resource; the account is {jid.bare}")
    return jid


async def existing_account(parts: ControlParts, text: str) -> JID:
    """Give the bare JID of an account that there is; as `account_address`, and `ControlError` ``no-such-account``."""
    account = account_address(parts.hosts, text)
    await parts.accounts.ready()
    if not parts.accounts.exists(account.bare):
        remedy = f"to see which there are: xmppctl user list {account.domainpart}"
        raise ControlError("no-such-account", f"there is no account {account.bare}; {remedy}")
    return account


def hosts_of(parts: ControlParts, host: str | None) -> list[str]:
    """Give the host with accounts that is named, or all of them; `ControlError` as `with_accounts`."""
    if host is not None:
        return [with_accounts(parts.hosts, host).name]
    return sorted(each.name for each in parts.hosts.of_accounts)


def with_accounts(hosts: Hosts, name: str) -> Host:
    """Give the host with accounts called *name*.

    Raises `ControlError` ``unknown-host`` for what is not served here, ``no-accounts`` for a component.
    """
    host = hosts.get(name)
    if host is None:
        raise _unknown(hosts.of_accounts, name)
    if not host.has_accounts:
        why = f"{name} is a component and has no accounts"
        raise ControlError("no-accounts", f"{why}, {_listed(hosts.of_accounts)}")
    return host


def served(hosts: Hosts, name: str) -> Host:
    """Give the host or component called *name*; `ControlError` ``unknown-host`` names those that are served."""
    host = hosts.get(name)
    if host is None:
        raise _unknown(tuple(hosts), name)
    return host


def _unknown(known: Sequence[Host], name: str) -> ControlError:
    near = difflib.get_close_matches(name, [each.name for each in known], 1)
    hint = f"; did you mean {near[0]}?" if near and len(known) > 1 else ""
    return ControlError("unknown-host", f"{name} is not served here, {_listed(known)}{hint}")


def _parsed(text: str) -> JID:
    try:
        return JID.parse(text)
    except InvalidJID as error:
        why = why_invalid(error)
        raise ControlError("invalid-name", f"{text!r} is no address: {why}; write it as name@host") from error


def _is_lone_name(hosts: Hosts, text: str) -> bool:
    """Say whether *text* can only be the name of an account without its host."""
    if "@" in text or "/" in text:
        return False
    try:
        return JID.parse(text).domainpart not in hosts
    except InvalidJID:
        return True


def _listed(hosts: Sequence[Host]) -> str:
    names = [host.name for host in hosts]
    shown, left = names[:_SHOWN], len(names) - _SHOWN
    more = f" and {left} more" if left > 0 else ""
    return ("the host is " if len(names) == 1 else "the hosts are ") + ", ".join(shown) + more


_SHOWN = 8

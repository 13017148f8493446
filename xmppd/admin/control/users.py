"""Control commands about accounts. They work on a running server, and as well straight on the store."""

import os
from collections import deque
from datetime import UTC, datetime

from twisted.internet.defer import Deferred, FirstError, gatherResults

from xmppd.admin.control.alike import like
from xmppd.admin.control.answers import AccountRow, Ended, Found, Imported, Named, NotAdded, Removed
from xmppd.admin.control.names import account_address, with_accounts
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.admin.operations.users import Added
from xmppd.core.operations.running import Progress, does
from xmppd.core.roles import Roles
from xmppd.core.waiting import deferred
from xmppd.services.accounts.accounts import (
    Account,
    AccountError,
    AccountExists,
    AccountReserved,
    AccountTombstoned,
    InvalidName,
    InvalidPassword,
    NoSuchAccount,
)
from xmppd.services.accounts.departures import NotDeparting
from xmppd.stanza.jid import JID

IN_PARALLEL = min(8, (os.cpu_count() or 1) + 1)
"""How many accounts of an import are made at a time: threads derive keys on all processors, one account waits for the
disk meanwhile, and logins still find a free thread."""
PROGRESS_EVERY = 25
"""Accounts of an import between two progress lines."""


@does("user.add")
@deferred
async def user_add(parts: ControlParts, jid: str, password: str, reuse: bool = False) -> Added:
    """Make an account; gives its bare JID, and whose name looks like it.

    With *reuse* also where the name was another's a short while ago.
    """
    named = await _added(parts, jid, password, reuse)
    alike = like(parts.accounts, named["jid"])
    return {**named, "alike": alike} if alike else {"jid": named["jid"]}


@deferred
async def _added(
    parts: ControlParts, jid: str, password: str, reuse: bool = False, only: str | None = None
) -> Named:
    account = account_address(parts.hosts, jid)
    _check_passwords_are_here(parts, account)
    try:
        await parts.accounts.create(account, password, over_tombstone=reuse, only=only)
    except AccountError as error:
        raise told(error, account) from error
    return {"jid": account.bare}


@does("user.may-add")
@deferred
async def user_may_add(parts: ControlParts, jid: str, reuse: bool = False) -> Named:
    """Fail as ``user.add`` would whatever the password is; so nobody is asked for one in vain."""
    account = account_address(parts.hosts, jid)
    _check_passwords_are_here(parts, account)
    departing = await parts.departures.of_host(account.domainpart)
    if account.localpart in departing:
        why = f"{account.bare} is removed, and erased on {_stamp(departing[account.localpart])}"
        remedy = f"to have it back: xmppctl user restore {account.bare}"
        remedy += f"; to erase it now: xmppctl user del --now {account.bare}"
        raise ControlError("account-exists", f"{why}; {remedy}")
    try:
        await parts.accounts.may_create(account, over_tombstone=reuse)
    except AccountError as error:
        raise told(error, account) from error
    return {"jid": account.bare}


async def required(parts: ControlParts, jid: str) -> JID:
    """Give the address of an account that there is; `ControlError`."""
    account = account_address(parts.hosts, jid)
    try:
        await parts.accounts.require(account)
    except AccountError as error:
        raise told(error, account) from error
    return account


@does("user.look")
@deferred
async def user_look(parts: ControlParts, jid: str) -> Found:
    """Fail where there is no such account; so nobody is asked in vain for its password, or whether it shall go."""
    account = await required(parts, jid)
    return {"jid": account.bare, "disabled": parts.accounts.is_disabled(account.bare)}


@does("user.passwd")
@deferred
async def user_passwd(parts: ControlParts, jid: str, password: str) -> Ended:
    """Give an account another password; its sessions end, and so do the tokens of its clients."""
    account = account_address(parts.hosts, jid)
    _check_passwords_are_here(parts, account)
    connected = _connected(parts, account)
    try:
        await parts.accounts.set_password(account, password)
    except AccountError as error:
        raise told(error, account) from error
    return {"jid": account.bare, "ended": connected}


@does("user.del")
@deferred
async def user_del(parts: ControlParts, jid: str, grace_s: int = 0) -> Removed:
    """Remove an account; its sessions end. After *grace_s* seconds all its data are erased, and its contacts lose it.

    With 0 that is done at once. Until then ``user.restore`` brings it back.
    """
    account = account_address(parts.hosts, jid)
    result: Removed = {"jid": account.bare, "ended": _connected(parts, account)}
    try:
        if grace_s > 0:
            result["erased"] = _stamp(await parts.departures.depart(account, grace_s))
        else:
            await parts.removal.remove(account)
    except AccountError as error:
        raise told(error, account) from error
    return result


@does("user.restore")
@deferred
async def user_restore(parts: ControlParts, jid: str) -> Named:
    """Bring back an account that was removed and is not erased yet, with all its data."""
    account = account_address(parts.hosts, jid)
    try:
        await parts.departures.restore(account)
    except NotDeparting as error:
        remedy = f"to let in again one that was disabled: xmppctl user enable {account.bare}"
        raise ControlError("not-removed", f"{error}; {remedy}") from error
    except AccountError as error:
        raise told(error, account) from error
    return {"jid": account.bare}


@does("user.disable")
@deferred
async def user_disable(parts: ControlParts, jid: str, reason: str | None = None) -> Ended:
    """Keep an account with its data, but let nobody in; its sessions end. The reason is for operators."""
    account = account_address(parts.hosts, jid)
    connected = _connected(parts, account)
    try:
        await parts.accounts.disable(account, reason or "")
    except AccountError as error:
        raise told(error, account) from error
    return {"jid": account.bare, "ended": connected}


@does("user.enable")
@deferred
async def user_enable(parts: ControlParts, jid: str) -> Named:
    """Let the owner of a disabled account in again."""
    account = account_address(parts.hosts, jid)
    try:
        await parts.accounts.enable(account)
    except AccountError as error:
        raise told(error, account) from error
    return {"jid": account.bare}


@does("user.list")
@deferred
async def user_list(parts: ControlParts, host: str | None = None) -> list[AccountRow]:
    """Give the accounts of a host, or of all, sorted by JID."""
    names = (
        [with_accounts(parts.hosts, host).name]
        if host is not None
        else sorted(each.name for each in parts.hosts.of_accounts)
    )
    rows: list[AccountRow] = []
    for name in names:
        departing = await parts.departures.of_host(name)
        found = await parts.accounts.list(name)
        rows += [_row(parts, account, departing.get(account.username)) for account in found]
    return rows


@does("user.import")
@deferred
async def user_import(
    parts: ControlParts,
    users: list[object],
    progress: Progress,
    host: str | None = None,
    hash: str | None = None,  # noqa: A002 - the word of the option
) -> Imported:
    """Make many accounts, several at a time; *users* are pairs (name or bare JID, password).

    Keys are kept for all hashes of SCRAM, or for *hash* alone.

    A name without a host is on *host*, else on the first that is served. One that fails does not hinder the others:
    gives the number of those made, and for each of the others its index, id and message.
    """
    default = with_accounts(parts.hosts, host) if host is not None else parts.hosts.of_accounts[0]
    importing = _Importing(parts, default.name, hash, progress)
    await importing.run(users)
    return {"added": importing.added, "failed": sorted(importing.failed, key=lambda failed: failed["index"])}


class _Importing:
    """One import: so many workers take from one list."""

    def __init__(self, parts: ControlParts, host: str, only: str | None, progress: Progress):
        self._parts = parts
        self._host = host
        self._only = only
        self._progress = progress
        self.added = 0
        self.failed: list[NotAdded] = []

    async def run(self, users: list[object]) -> None:
        """Add *users*. What is nobody's fault among them, such as a full disk, is raised, and ends it."""
        left = deque(enumerate(users))
        try:
            await gatherResults([self._work(left) for _ in range(IN_PARALLEL)], consumeErrors=True)
        except FirstError as error:
            left.clear()
            error.subFailure.raiseException()

    @deferred
    async def _work(self, left: deque[tuple[int, object]]) -> None:
        while left:
            index, pair = left.popleft()
            try:
                await self._add(pair)
                self.added += 1
            except ControlError as error:
                self.failed.append({"index": index, "id": error.id, "message": error.message})
            done = self.added + len(self.failed)
            if done % PROGRESS_EVERY == 0:
                self._progress(done)

    def _add(self, pair: object) -> Deferred[Named]:
        if not (
            isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(part, str) for part in pair)
        ):
            raise ControlError("bad-arguments", "a pair of a name and a password is wanted")
        name, password = pair
        jid = name if "@" in name else f"{name}@{self._host}"
        return _added(self._parts, jid, password, only=self._only)


def told(error: AccountError, account: JID) -> ControlError:
    """Say what an error of the accounts service means to an administrator, and what to do."""
    jid, why = account.bare, str(error)
    if isinstance(error, AccountTombstoned):
        why = f"{why}; it is free again on {_stamp(error.until)}, or now with --reuse"
    id, text = next(
        ((id, text) for kind, id, text in _ERRORS if isinstance(error, kind)),
        ("account-error", "{jid}: {why}"),
    )
    return ControlError(id, text.format(jid=jid, host=account.domainpart, why=why))


_ERRORS: tuple[tuple[type[AccountError], str, str], ...] = (
    (
        AccountExists,
        "account-exists",
        "{jid} exists already; to change the password: xmppctl user passwd {jid}",
    ),
    (
        NoSuchAccount,
        "no-such-account",
        "there is no account {jid}; to see which there are: xmppctl user list {host}",
    ),
    (InvalidName, "invalid-name", "{jid} cannot be an account: {why}; choose another name"),
    (InvalidPassword, "invalid-password", "this password cannot be set for {jid}: {why}; choose another"),
    (
        AccountReserved,
        "account-reserved",
        "{jid} cannot be made: {why}; to take that back: xmppctl invite list, xmppctl invite revoke ID",
    ),
    (AccountTombstoned, "account-tombstoned", "{jid} cannot be made yet: {why}"),
)


def _row(parts: ControlParts, account: Account, erase_at: float | None) -> AccountRow:
    role = parts.services[Roles].role_at(parts.hosts[account.jid.domainpart], account.jid)
    return {
        "jid": account.jid.bare,
        "role": role.word,
        "sessions": len(parts.registry.resources(account.jid.bare)),
        "created": _stamp(account.created_at),
        "disabled": account.disabled,
        "erased": None if erase_at is None else _stamp(erase_at),
    }


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _check_passwords_are_here(parts: ControlParts, account: JID) -> None:
    """Where the users of a host are known elsewhere, so are their passwords."""
    host = parts.hosts.with_accounts(account.domainpart)
    if host is not None and host.settings.asked_elsewhere is not None:
        why = f'the users of {host.name} are known elsewhere (auth = "{host.settings.auth}"), with their passwords'
        raise ControlError("kept-elsewhere", f"{why}; who logs in the first time has an account from then on")


def _connected(parts: ControlParts, account: JID) -> list[str]:
    """Give the sessions that end when the server hears of the change."""
    return [session.full_jid or "" for session in parts.registry.resources(account.bare)]

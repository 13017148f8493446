"""Accounts: who may log in, and with what. Of a password only SCRAM keys are stored (RFC 5802 3).

How that is stored says `xmppd.services.accounts.stored`. The names of all accounts are kept in memory, since each
message to somebody offline asks whether they exist.
"""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import Logger

from xmppd.core.environment import InThread
from xmppd.core.waiting import deferred, spawn
from xmppd.services.accounts import stored as storing
from xmppd.services.accounts.changes import AccountChanges
from xmppd.services.accounts.errors import (
    AccountError,
    AccountExists,
    AccountReserved,
    AccountTombstoned,
    InvalidName,
    InvalidPassword,
    NoSuchAccount,
)
from xmppd.services.accounts.lacking import Lacking, read_lacking
from xmppd.services.accounts.names import checked_name
from xmppd.services.accounts.stored import ACCOUNTS, CREDENTIALS, DISABLED, LACKING, TOMBSTONES
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Change, Delete, DeleteOwner, Put, Storage
from xmppd.storage.pages import all_owners
from xmppd.stream.sasl import credentials as scram
from xmppd.stream.sasl.credentials import Credentials, Salted

__all__ = [
    "ACCOUNTS",
    "CREDENTIALS",
    "DISABLED",
    "TOMBSTONES",
    "Account",
    "AccountError",
    "AccountEvent",
    "AccountExists",
    "AccountReserved",
    "AccountTombstoned",
    "Accounts",
    "InvalidName",
    "InvalidPassword",
    "NoSuchAccount",
]

PURGED_AT_ONCE = 100
PASSWORD_CHARS = 1_024
"""The longest password that can be set."""

Listener = Callable[[JID], object]


class AccountEvent(Enum):
    """What has happened to an account."""

    CREATED = "created"
    REMOVED = "removed"
    PASSWORD_CHANGED = "password changed"
    DISABLED = "disabled"
    ENABLED = "enabled"


@dataclass(frozen=True, slots=True)
class Account:
    """What `Accounts.list` tells of an account; `created_at` in seconds since 1970."""

    jid: JID
    username: str
    created_at: float
    disabled: bool


class Accounts:
    """Makes, removes, changes and checks accounts.

    Methods that take a JID want it prepared, and ignore its resource. All that wait may fail with `StorageError`.
    """

    _log = Logger()

    def __init__(
        self,
        storage: Storage,
        in_thread: InThread = deferToThread,
        now: Callable[[], float] = time.time,
        *,
        derive: Callable[..., Credentials] = scram.derive,
        verify: Callable[[Credentials, str], bool] = scram.verify,
        iterations: int = scram.ITERATIONS,
        tombstone_s: Callable[[str], float] = lambda host: 0.0,
    ) -> None:
        """A removed name stays taken for *tombstone_s(host)* seconds; keys of *derive* have so many *iterations*."""
        self._storage = storage
        self._in_thread = in_thread
        self._now = now
        self._derive = derive
        self._verify = verify
        self._iterations = iterations
        self._tombstone_s = tombstone_s
        self._known: set[str] = set()
        self._disabled: set[str] = set()
        self._changing: set[str] = set()
        self._lacking = Lacking()
        self.changes = AccountChanges()
        """Passwords that were set, and removals, each noted when its commit begins and when it has happened."""
        self._is_loaded = False
        self._listeners: dict[AccountEvent, list[Listener]] = {event: [] for event in AccountEvent}
        self.beside_password: list[Callable[[JID], Deferred[list[Change]]]] = []
        """Give what ends with an account's password, in the same transaction."""
        self.reservations: list[Callable[[JID], Deferred[None]]] = []
        """Asked before an account is made: raise `AccountReserved` where the name is kept for somebody else."""

    def subscribe(self, event: AccountEvent, listener: Listener) -> Callable[[], None]:
        """Call *listener* with the bare JID after each *event*, its failure is logged; gives what ends that."""
        self._listeners[event].append(listener)
        return lambda: self._listeners[event].remove(listener)

    @deferred
    async def load(self) -> None:
        """Read the names of all accounts. Methods that wait do so by themselves; `exists` needs it done."""
        known: set[str] = set()
        disabled: set[str] = set()
        for store, names in ((ACCOUNTS, known), (DISABLED, disabled)):
            for host in await all_owners(self._storage, store):
                names.update(f"{username}@{host}" for username in await self._storage.keys(store, host))
        lacking = await read_lacking(self._storage)
        if not self._is_loaded:
            self._known, self._disabled, self._lacking, self._is_loaded = known, disabled, lacking, True

    def exists(self, bare_jid: str) -> bool:
        """Whether there is an account, disabled or not; at once. RuntimeError before `load` is done."""
        if not self._is_loaded:
            raise RuntimeError("the accounts are not loaded yet")
        return bare_jid in self._known

    def of_host(self, host: str) -> list[str]:
        """The bare JIDs of all accounts of *host*; at once. Looks at all accounts: not for each stanza."""
        return [bare_jid for bare_jid in self._known if bare_jid.rpartition("@")[2] == host]

    def by_host(self) -> dict[str, int]:
        """How many accounts each domain has, served or not; at once."""
        return Counter(bare_jid.rpartition("@")[2] for bare_jid in self._known)

    @deferred
    async def purge(self, host: str) -> int:
        """Remove all data of a domain that is not served, and of all its accounts; gives how many these were.

        Nobody is told, and no tombstone is left.
        """
        await self._ready()
        usernames = await self._storage.keys(ACCOUNTS, host)
        for begin in range(0, len(usernames), PURGED_AT_ONCE):
            names = usernames[begin : begin + PURGED_AT_ONCE]
            changes: list[Change] = []
            for name in names:
                changes += (DeleteOwner(f"{name}@{host}"), Delete(ACCOUNTS, host, name))
            await self._storage.commit(*changes)
            gone = {f"{name}@{host}" for name in names}
            self._known -= gone
            self._disabled -= gone
            for bare_jid in gone:
                self._lacking.put(bare_jid, ())
        await self._storage.commit(DeleteOwner(host))
        return len(usernames)

    def is_disabled(self, bare_jid: str) -> bool:
        """Whether nobody may log in to this account; at once."""
        return bare_jid in self._disabled

    @deferred
    async def create(
        self, jid: JID, password: str, *changes: Change, over_tombstone: bool = False, only: str | None = None
    ) -> None:
        """Make an account, and *changes* in the same transaction; with keys for the hash *only*, where one is named.

        Raises an `AccountError`; `AccountTombstoned` not where it is *over_tombstone*.
        """
        username = checked_name(jid)
        await self._ready()
        if jid.bare in self._known or jid.bare in self._changing:
            raise AccountExists(f"{jid.bare} exists already")
        self._changing.add(jid.bare)
        try:
            await self._check_free(jid, username, over_tombstone)
            credentials = await self._derived(password, only)
            await self._storage.commit(*storing.creation(jid, credentials, self._now()), *changes)
            self._known.add(jid.bare)
            self._lacking.put(jid.bare, storing.lacking(credentials))
        finally:
            self._changing.discard(jid.bare)
        self._tell(AccountEvent.CREATED, jid)

    @deferred
    async def ready(self) -> None:
        """Wait until the names of all accounts are read."""
        await self._ready()

    @deferred
    async def require(self, jid: JID) -> None:
        """Raise `NoSuchAccount` unless there is one."""
        await self._ready()
        self._require(jid)

    @deferred
    async def may_create(self, jid: JID, *, over_tombstone: bool = False) -> None:
        """Raise what `create` would for this name, whatever the password; nothing is changed."""
        username = checked_name(jid)
        await self._ready()
        if jid.bare in self._known or jid.bare in self._changing:
            raise AccountExists(f"{jid.bare} exists already")
        await self._check_free(jid, username, over_tombstone)

    @deferred
    async def remove(
        self, jid: JID, *changes: Change, commit: Callable[..., Deferred[None]] | None = None
    ) -> None:
        """Remove the account with all its data, and make *changes* too, in one transaction.

        It does not exist from the moment this is called; *commit* takes the place of the storage's. A tombstone with
        the time is left. Raises `NoSuchAccount`.
        """
        await self._ready()
        username = self._require(jid)
        self._changing.add(jid.bare)
        self._known.discard(jid.bare)
        try:
            await (commit or self._storage.commit)(
                Delete(ACCOUNTS, jid.domainpart, username),
                Delete(DISABLED, jid.domainpart, username),
                Delete(LACKING, jid.domainpart, username),
                DeleteOwner(jid.bare),
                Put(TOMBSTONES, jid.domainpart, username, storing.written({"removed_at": self._now()})),
                *changes,
            )
            self._disabled.discard(jid.bare)
            self._lacking.put(jid.bare, ())
            self.changes.note(jid.bare)
        except BaseException:
            self._known.add(jid.bare)
            raise
        finally:
            self._changing.discard(jid.bare)
        self._tell(AccountEvent.REMOVED, jid)

    @deferred
    async def set_password(self, jid: JID, password: str) -> None:
        """Give the account another password. Raises `NoSuchAccount`, `InvalidPassword`."""
        await self._ready()
        self._require(jid)
        credentials = await self._derived(password)
        changes = storing.keys(jid, credentials)
        for beside in self.beside_password:
            changes += await beside(jid)
        self._require(jid)
        self.changes.note(jid.bare)
        await self._storage.commit(*changes)
        self.changes.note(jid.bare)
        self._lacking.put(jid.bare, storing.lacking(credentials))
        self._tell(AccountEvent.PASSWORD_CHANGED, jid)

    @deferred
    async def add_keys(self, jid: JID, salted: Salted, beside: Credentials) -> None:
        """Keep the keys of one more hash of the password that *beside* is of (XEP-0480); those of other hashes stay.

        Nothing happens where the password has changed since, or the account has gone. Waits for the commit.
        """
        await self._add_keys(jid, Credentials({salted.hash_name: salted.keys()}), beside)

    async def _add_keys(self, jid: JID, more: Credentials, beside: Credentials) -> None:
        begun = self.changes.mark
        known = await self._credentials(jid, is_fresh=True)
        if known is None or self.changes.is_changed_since(jid.bare, begun):
            return
        if all(known.get(hash_name) == keys for hash_name, keys in beside.items()):
            all_keys = Credentials({**known, **more})
            await self._storage.commit(*storing.keys(jid, all_keys))
            self._lacking.put(jid.bare, storing.lacking(all_keys))

    @deferred
    async def check(self, jid: JID, password: str) -> bool:
        """Whether this is the account's password; takes as long where there is no account.

        A disabled account's is checked like any other: ask `is_disabled` then.
        """
        found = await self.credentials(jid)
        decoy = scram.fake_credentials(b"", jid.domainpart, jid.localpart or "", self._iterations)
        is_right: bool = await self._in_thread(self._verify, found or decoy, password)
        is_known = is_right and found is not None and jid.bare in self._known
        if found is not None and is_known and jid.bare in self._lacking:
            spawn("keys that an account lacks", self._complete(jid, password, found))
        return is_known

    async def _complete(self, jid: JID, password: str, known: Credentials) -> None:
        """Who has shown the password itself gets the keys of all hashes."""
        derived: Credentials = await self._in_thread(self._derive, password)
        more = {name: keys for name, keys in derived.items() if name not in known}
        await self._add_keys(jid, Credentials(more), known)

    def hashes(self, host: str) -> tuple[str, ...]:
        """Give the hashes of SCRAM that can be offered at *host*, the strongest first; at once."""
        return self._lacking.hashes(host)

    @deferred
    async def credentials(self, jid: JID, hash_name: str | None = None) -> Credentials | None:
        """What is stored of the account's password, of a disabled one too; None if there is no account.

        Where *hash_name* names one hash, nothing is given for the others.
        """
        return await self._credentials(jid, hash_name)

    @deferred
    async def list(self, host: str) -> list[Account]:
        """The accounts of *host*, sorted by name."""
        stored = await self._storage.get_all(ACCOUNTS, host)
        disabled = frozenset(await self._storage.keys(DISABLED, host))
        return [
            Account(JID(name, host, None), name, json.loads(value)["created_at"], name in disabled)
            for name, value in stored.items()
        ]

    @deferred
    async def disable(self, jid: JID, reason: str = "") -> None:
        """Let nobody log in to the account; *reason* is for operators. Raises `NoSuchAccount`."""
        await self._ready()
        self._require(jid)
        await self._storage.commit(storing.disabling(jid, self._now(), reason))
        self._disabled.add(jid.bare)
        self._tell(AccountEvent.DISABLED, jid)

    @deferred
    async def enable(self, jid: JID) -> None:
        """Undo `disable`. Raises `NoSuchAccount`."""
        await self._ready()
        username = self._require(jid)
        await self._storage.commit(Delete(DISABLED, jid.domainpart, username))
        self._disabled.discard(jid.bare)
        self._tell(AccountEvent.ENABLED, jid)

    async def _credentials(
        self, jid: JID, hash_name: str | None = None, *, is_fresh: bool = False
    ) -> Credentials | None:
        await self._ready()
        stored = await self._storage.get(CREDENTIALS, jid.bare, is_fresh=is_fresh)
        if stored is None or jid.bare not in self._known:
            return None
        return Credentials.from_json(stored, hash_name)

    async def _ready(self) -> None:
        if not self._is_loaded:
            await self.load()

    def _require(self, jid: JID) -> str:
        """The username of an account that is there and stays."""
        if jid.localpart is None or jid.bare not in self._known or jid.bare in self._changing:
            raise NoSuchAccount(f"there is no account {jid.bare}")
        return jid.localpart

    async def _check_free(self, jid: JID, username: str, over_tombstone: bool) -> None:
        """Raise `AccountTombstoned` or `AccountReserved` where the name is somebody else's still, or already."""
        if not over_tombstone:
            await self._check_tombstone(jid.domainpart, username)
        for check in self.reservations:
            await check(jid)

    async def _check_tombstone(self, host: str, username: str) -> None:
        stored = await self._storage.get(TOMBSTONES, host, username)
        if stored is not None:
            until = json.loads(stored)["removed_at"] + self._tombstone_s(host)
            if self._now() < until:
                raise AccountTombstoned(until)

    async def _derived(self, password: str, only: str | None = None) -> Credentials:
        if len(password) > PASSWORD_CHARS:
            raise InvalidPassword(f"a password has at most {PASSWORD_CHARS} characters")
        try:
            derive = self._derive if only is None else partial(self._derive, hash_names=(only,))
            credentials: Credentials = await self._in_thread(derive, password)
        except ValueError as error:
            raise InvalidPassword(str(error)) from error
        return credentials

    def _tell(self, event: AccountEvent, jid: JID) -> None:
        self._log.info("Account {event}: {jid}", event=event.value, jid=jid.bare)
        for listener in self._listeners[event]:
            try:
                listener(jid.with_resource(None))
            except Exception:  # noqa: BLE001 - the net of a hook call: what has happened has happened
                self._log.failure("A listener to accounts has failed: {listener}", listener=listener)

"""Accounts that are removed with a time of grace: nobody gets in from now on, and later all of it is erased.

Store ``departures`` belongs to the host, with the username as key, as `Accounts` keeps who is disabled: an account that
departs is disabled, too, and one that is not disabled is never erased.
"""

import json
from collections.abc import Callable

from twisted.logger import Logger

from xmppd.core.timers import Timer, Timers
from xmppd.core.waiting import deferred, spawn
from xmppd.services.accounts.accounts import AccountEvent, Accounts, NoSuchAccount
from xmppd.services.accounts.removal import Removal
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Delete, Put, Storage, StorageError
from xmppd.storage.pages import all_owners

STORE = "departures"
FIRST_AFTER_S = 60.0
EVERY_S = 3_600.0


class NotDeparting(NoSuchAccount):
    """The account is there, and nobody has removed it."""


class Departures:
    """Who departs, and until when they may come back."""

    _log = Logger()

    def __init__(
        self, storage: Storage, accounts: Accounts, removal: Removal, timers: Timers, now: Callable[[], float]
    ) -> None:
        """*now* is wall time in seconds since 1970."""
        self._storage = storage
        self._accounts = accounts
        self._removal = removal
        self._timers = timers
        self._now = now
        self._is_sweeping = False
        for event in (AccountEvent.CREATED, AccountEvent.ENABLED, AccountEvent.REMOVED):
            accounts.subscribe(event, self._forget)

    def start(self) -> None:
        """Erase from now on those whose time has come, an hour late at most."""
        self._timers.add(FIRST_AFTER_S, self._due)

    @deferred
    async def depart(self, jid: JID, grace_s: float) -> float:
        """Let nobody in, and have all erased in *grace_s* seconds; gives that time. Raises `NoSuchAccount`."""
        erase_at = self._now() + grace_s
        await self._accounts.disable(jid)
        await self._storage.commit(Put(STORE, jid.domainpart, jid.localpart or "", _json(erase_at)))
        return erase_at

    @deferred
    async def restore(self, jid: JID) -> None:
        """Let the owner in again, with all that there was. Raises `NoSuchAccount`, `NotDeparting`."""
        await self._accounts.require(jid)
        if await self._storage.get(STORE, jid.domainpart, jid.localpart or "") is None:
            raise NotDeparting(f"{jid.bare} is not removed")
        await self._accounts.enable(jid)
        await self._storage.commit(_deletion(jid))

    @deferred
    async def of_host(self, host: str) -> dict[str, float]:
        """When each account of *host* that departs is erased, by username."""
        stored = await self._storage.get_all(STORE, host)
        return {username: json.loads(value)["erase_at"] for username, value in stored.items()}

    @deferred
    async def sweep(self) -> None:
        """Erase those whose time has come."""
        self._is_sweeping = True
        try:
            for host in await all_owners(self._storage, STORE):
                for username, erase_at in (await self.of_host(host)).items():
                    jid = JID(username, host, None)
                    if erase_at <= self._now() and self._accounts.is_disabled(jid.bare):
                        await self._removal.remove(jid, (_deletion(jid),))
        except (StorageError, NoSuchAccount) as error:
            self._log.error("Removed accounts are not erased yet: {error}", error=str(error))
        finally:
            self._is_sweeping = False

    def _due(self, now: float, timer: Timer, param: object) -> float:
        if not self._is_sweeping:
            spawn("erasing removed accounts", self._sweep())
        return EVERY_S

    async def _sweep(self) -> None:
        await self.sweep()

    def _forget(self, jid: JID) -> None:
        spawn("forgetting a departure", self._forgotten(jid))

    async def _forgotten(self, jid: JID) -> None:
        if await self._storage.get(STORE, jid.domainpart, jid.localpart or "") is not None:
            await self._storage.commit(_deletion(jid))


def _deletion(jid: JID) -> Delete:
    return Delete(STORE, jid.domainpart, jid.localpart or "")


def _json(erase_at: float) -> bytes:
    return json.dumps({"erase_at": erase_at}, separators=(",", ":")).encode()

"""When accounts were last there (XEP-0012 3): store ``last_activity``, written when the last resource has left."""

import json
from collections.abc import Callable
from typing import NamedTuple

from xmppd.core.registry import SessionRegistry
from xmppd.core.waiting import deferred, spawn
from xmppd.services.accounts.accounts import Accounts
from xmppd.storage.interface import Put, Storage

STORE = "last_activity"
STATUS_CHARS = 1_000
"""How much of a status text is kept."""


class Activity(NamedTuple):
    """When an account's last resource left (seconds since 1970; None: one is connected), and what it said then."""

    left_at: float | None
    status: str = ""


class LastActivity:
    """Keeps when accounts were last there."""

    def __init__(
        self, storage: Storage, registry: SessionRegistry, accounts: Accounts, now: Callable[[], float]
    ):
        """*now* is wall time in seconds."""
        self._storage = storage
        self._registry = registry
        self._accounts = accounts
        self._now = now

    @deferred
    async def of(self, bare_jid: str) -> Activity | None:
        """Give when an account was last there, None where that was never; `StorageError`."""
        if self._registry.resources(bare_jid):
            return Activity(None)
        stored = await self._storage.get(STORE, bare_jid)
        if stored is None:
            return None
        known = json.loads(stored)
        return Activity(known["left_at"], known.get("status", ""))

    def left(self, bare_jid: str, status: str) -> None:
        """Note that a resource of an account has left, if it was the last; nobody waits for the commit."""
        if self._registry.resources(bare_jid) or not self._accounts.exists(bare_jid):
            return
        known = {"left_at": self._now(), **({"status": status[:STATUS_CHARS]} if status else {})}
        put = Put(STORE, bare_jid, "", json.dumps(known, ensure_ascii=False).encode())
        spawn("last activity", self._storage.commit(put))

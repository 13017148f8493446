"""Rosters: who an account knows (RFC 6121 2). One object for an account, shared by all its resources."""

from xmppd.core.waiting import deferred
from xmppd.storage.interface import Storage

STORE = "roster"


class Roster:
    """An account's roster while somebody uses it."""

    __slots__ = ("__weakref__", "items")

    def __init__(self, items: dict[str, bytes]):
        self.items = items

    def may_see_presence(self, bare_jid: str) -> bool:
        """Whether this contact has a subscription to the account's presence."""
        return False


class Rosters:
    """Loads rosters."""

    def __init__(self, storage: Storage):
        self._storage = storage

    @deferred
    async def load(self, bare_jid: str) -> Roster:
        """Give the roster of an account. Waits for the storage; `StorageError` where it cannot be read."""
        return Roster(await self._storage.get_all(STORE, bare_jid))

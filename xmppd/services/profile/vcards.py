"""vCards of accounts as they were sent (XEP-0054): one for each, kept as raw bytes in store ``vcard``.

What changes a part of one (`VCards.change`) reads and writes it alone: a client saves a profile and an avatar at once,
and both go into the same vCard.
"""

from collections.abc import Callable
from weakref import WeakValueDictionary

from twisted.internet.defer import Deferred, DeferredLock

from xmppd.core.hooks import Hook
from xmppd.core.host import Hosts
from xmppd.core.waiting import deferred
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Put, Storage

STORE = "vcard"

VCARD_CHANGED = Hook[JID](
    "vcard-changed", "Notified at the account's host with its bare JID after its vCard was changed."
)


class VCards:
    """The vCards of this server."""

    def __init__(self, storage: Storage, hosts: Hosts):
        self._storage = storage
        self._hosts = hosts
        self._locks: WeakValueDictionary[str, DeferredLock] = WeakValueDictionary()

    def get(self, bare_jid: str) -> Deferred[bytes | None]:
        """Give an account's ``<vCard/>``, None where it has none; `StorageError`."""
        return self._storage.get(STORE, bare_jid)

    @deferred
    async def set(self, owner: JID, vcard: bytes) -> None:
        """Keep *vcard*, one element, as the account's; waits for the commit.

        Raises `StanzaError` policy-violation where it is too large, `StorageError` where it cannot be stored.
        """
        async with self._lock(owner):
            await self._put(owner, vcard)
        await self._tell(owner)

    @deferred
    async def change(self, owner: JID, change: Callable[[Element | None], Element | None]) -> None:
        """Keep what *change* makes of an account's vCard, unless that is None; as `set`."""
        async with self._lock(owner):
            stored = await self._storage.get(STORE, owner.bare)
            made = change(None if stored is None else parse_element(stored))
            if made is None:
                return
            await self._put(owner, made.to_bytes())
        await self._tell(owner)

    async def _put(self, owner: JID, vcard: bytes) -> None:
        if len(vcard) > self._hosts[owner.domainpart].settings.limits.vcard_bytes:
            raise StanzaError("policy-violation", "The vCard is too large")
        await self._storage.commit(Put(STORE, owner.bare, "", vcard))

    async def _tell(self, owner: JID) -> None:
        told = self._hosts[owner.domainpart].hooks.notify(VCARD_CHANGED, owner.with_resource(None))
        if told is not None:
            await told

    def _lock(self, owner: JID) -> DeferredLock:
        lock = self._locks.get(owner.bare)
        if lock is None:
            self._locks[owner.bare] = lock = DeferredLock()
        return lock

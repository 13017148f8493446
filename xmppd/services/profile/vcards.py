"""vCards of accounts as they were sent (XEP-0054): one for each, kept as raw bytes in store ``vcard``."""

from twisted.internet.defer import Deferred

from xmppd.core.hooks import Hook
from xmppd.core.host import Hosts
from xmppd.core.waiting import deferred
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

    def get(self, bare_jid: str) -> Deferred[bytes | None]:
        """Give an account's ``<vCard/>``, None where it has none; `StorageError`."""
        return self._storage.get(STORE, bare_jid)

    @deferred
    async def set(self, owner: JID, vcard: bytes) -> None:
        """Keep *vcard*, one element, as the account's; waits for the commit.

        Raises `StanzaError` policy-violation where it is too large, `StorageError` where it cannot be stored.
        """
        host = self._hosts[owner.domainpart]
        if len(vcard) > host.settings.limits.vcard_bytes:
            raise StanzaError("policy-violation", "The vCard is too large")
        await self._storage.commit(Put(STORE, owner.bare, "", vcard))
        told = host.hooks.notify(VCARD_CHANGED, owner.with_resource(None))
        if told is not None:
            await told

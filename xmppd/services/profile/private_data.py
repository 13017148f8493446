"""Private data of accounts (XEP-0049): any XML, found by the name and namespace of its root element.

Kept as raw bytes in store ``private``, under keys ``{namespace}name``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from twisted.internet.defer import Deferred

from xmppd.core.hooks import Hook
from xmppd.core.host import Hosts
from xmppd.core.waiting import deferred
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Change, Delete, Put, Storage

STORE = "private"


@dataclass(slots=True)
class PrivateRequest:
    """A request for private data, or to change it, on its way to the store."""

    owner: JID
    keys: tuple[str, ...]
    data: Mapping[str, bytes | None] | None = None
    """What is to be kept under the keys; None where it is asked for."""


PRIVATE_DATA = Hook[PrivateRequest](
    "private-data",
    "Asked at the account's host for each request for private data: what is kept elsewhere is given as bytes, or taken "
    "(True). Without an answer the store has it.",
)
KEY_CHARS = 1_023
"""The longest name with its namespace."""


class PrivateData:
    """What accounts keep for themselves alone."""

    def __init__(self, storage: Storage, hosts: Hosts):
        self._storage = storage
        self._hosts = hosts

    def get(self, bare_jid: str, key: str) -> Deferred[bytes | None]:
        """Give what is kept under *key* (``{namespace}name``), None where nothing is; `StorageError`."""
        return self._storage.get(STORE, bare_jid, key)

    @deferred
    async def set(self, owner: JID, data: Mapping[str, bytes | None]) -> None:
        """Keep *data*, by key, in place of what was there; None forgets. Waits for the commit; all or nothing.

        Raises as `changes`, and `StorageError` where it cannot be stored.
        """
        await self._storage.commit(*await self.changes(owner, data))

    async def changes(self, owner: JID, data: Mapping[str, bytes | None]) -> list[Change]:
        """Give what keeps *data*, for who stores it together with something else.

        Raises `StanzaError`: policy-violation beyond the account's limit, not-acceptable for a key that is too long;
        `StorageError`.
        """
        if any(len(key) > KEY_CHARS for key in data):
            raise StanzaError("not-acceptable", "The name of the data is too long")
        kept = await self._storage.get_all(STORE, owner.bare)
        merged = {**kept, **data}
        size = sum(len(key.encode()) + len(value) for key, value in merged.items() if value is not None)
        grows = any(value is not None and len(value) > len(kept.get(key, b"")) for key, value in data.items())
        if grows and size > self._hosts[owner.domainpart].settings.limits.private_bytes:
            raise StanzaError("policy-violation", "There is too much private data")
        return [
            Delete(STORE, owner.bare, key) if value is None else Put(STORE, owner.bare, key, value)
            for key, value in data.items()
        ]


def key_of(name: str, ns: str) -> str:
    """Give the key of what has this name and namespace."""
    return f"{{{ns}}}{name}"

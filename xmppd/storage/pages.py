"""All owners of a store, page by page; and reads that wait for what was committed before them."""

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred

from xmppd.storage.interface import MAX_PAGE, Storage

T = TypeVar("T")


async def all_owners(storage: Storage, store: str) -> list[str]:
    """Who has anything in *store*, sorted; read in pages. Waits; `StorageError`.

    Who comes or goes meanwhile may be missing or not.
    """
    found = page = await storage.owners(store)
    while len(page) == MAX_PAGE:
        page = await storage.owners(store, after=page[-1])
        found = found + page
    return found


def fresh(storage: Storage, read: Callable[[], Deferred[T]]) -> Deferred[T]:
    """What *read* gives, once all that was committed before is decided; at once where nothing waits."""
    if not storage.backlog:
        return read()
    return storage.commit().addCallback(lambda _: read())

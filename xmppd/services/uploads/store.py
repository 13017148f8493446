"""Where the records of uploads are kept.

====================  ===============  ==================  ==============================================
store                 owner            key                 value
====================  ===============  ==================  ==============================================
``uploads``           the account      the file's id       what there is to know of it; without this row
                                                           there is no file: it goes with the account
``upload_owners``     the service      the file's id       the account
``upload_ends``       the service      when, and the id    the account
``upload_usage``      the account      ""                  see `xmppd.services.uploads.quotas`
====================  ===============  ==================  ==============================================
"""

from collections.abc import AsyncIterator
from typing import Final

from twisted.logger import Logger

from xmppd.services.uploads.upload import UNENDING, Upload
from xmppd.storage.interface import MAX_PAGE, Change, Delete, KeyRange, Put, Storage
from xmppd.storage.pages import all_owners

UPLOADS: Final = "uploads"
OWNERS: Final = "upload_owners"
ENDS: Final = "upload_ends"

_log = Logger()


class UploadStore:
    """Reads the records."""

    def __init__(self, storage: Storage):
        self._storage = storage

    async def find(self, service: str, id: str) -> Upload | None:
        """Give a file of a service; None where there is none, or its account is gone."""
        owner = await self._storage.get(OWNERS, service, id)
        return None if owner is None else await self.read(owner.decode(), id)

    async def read(self, owner: str, id: str) -> Upload | None:
        """Give a file of an account."""
        data = await self._storage.get(UPLOADS, owner, id)
        return None if data is None else _read(id, owner, data)

    async def of_account(self, owner: str) -> list[Upload]:
        """Give all files of an account, the newest first."""
        stored = await self._storage.get_all(UPLOADS, owner)
        found = [_read(id, owner, data) for id, data in stored.items()]
        return sorted((each for each in found if each is not None), key=lambda each: -each.created_at)

    async def page_of_account(
        self, owner: str, after: str | None, limit: int
    ) -> tuple[list[Upload], str | None]:
        """Give at most *limit* files of an account, by their ids, from behind *after*; and what more are behind."""
        keys = KeyRange(after=after)
        stored = await self._storage.get_range(UPLOADS, owner, keys, limit=limit + 1, is_fresh=True)
        ids = list(stored)[:limit]
        found = [_read(id, owner, stored[id]) for id in ids]
        following = ids[-1] if len(stored) > limit else None
        return [each for each in found if each is not None], following

    async def ended(self, service: str, now: float) -> list[tuple[str, str, str]]:
        """Give a page of what has ended: key, id, account."""
        page = await self._storage.get_range(ENDS, service, KeyRange(before=f"{now:015.0f}"), limit=MAX_PAGE)
        return [(key, key.partition(" ")[2], owner.decode()) for key, owner in page.items()]

    async def services(self) -> list[str]:
        """Give every service that has files, configured or not."""
        return await all_owners(self._storage, OWNERS)

    async def owners(self, service: str) -> AsyncIterator[dict[str, str]]:
        """Give the accounts of all files of a service by id, page by page."""
        last: str | None = None
        while True:
            page = await self._storage.get_range(OWNERS, service, KeyRange(after=last), limit=MAX_PAGE)
            yield {id: owner.decode() for id, owner in page.items()}
            if len(page) < MAX_PAGE:
                return
            last = next(reversed(page))


def put(upload: Upload) -> list[Change]:
    """Give what stores a record."""
    owner = upload.owner.encode()
    changes: list[Change] = [
        Put(UPLOADS, upload.owner, upload.id, upload.to_json()),
        Put(OWNERS, upload.service, upload.id, owner),
    ]
    if upload.expires_at != UNENDING:
        changes.append(Put(ENDS, upload.service, end_of(upload), owner))
    return changes


def gone(upload: Upload) -> list[Change]:
    """Give what takes a record away."""
    return [
        Delete(UPLOADS, upload.owner, upload.id),
        Delete(OWNERS, upload.service, upload.id),
        Delete(ENDS, upload.service, end_of(upload)),
    ]


def end_of(upload: Upload) -> str:
    """Give the key under which the end of a file is noted."""
    return end_key(upload.expires_at, upload.id)


def end_key(moment: float, id: str) -> str:
    """Give the key under which something is noted that is to be done about a file."""
    return f"{moment:015.0f} {id}"


def _read(id: str, owner: str, data: bytes) -> Upload | None:
    try:
        return Upload.from_json(id, owner, data)
    except ValueError as error:
        _log.error("An upload of {owner} cannot be read: {error}", owner=owner, error=str(error))
        return None

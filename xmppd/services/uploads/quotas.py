"""How much accounts have uploaded, and whether there is room for more.

Store ``upload_usage`` belongs to the account. Slots count as the files that they are for, from the moment at which they
are given, so that many slots at once get no further than one after the other.
"""

from collections import Counter
from typing import Final

from xmppd.services.uploads.errors import QuotaReached
from xmppd.services.uploads.upload import Quota, Slot, Upload, Usage
from xmppd.storage.interface import Put, Storage
from xmppd.storage.pages import all_owners

STORE: Final = "upload_usage"
DAY_S: Final = 86_400.0


class Quotas:
    """What is used, by account and as a whole."""

    def __init__(self, storage: Storage):
        self._storage = storage
        self._promised: Counter[str] = Counter()
        self._whole: int | None = None

    async def usage(self, owner: str) -> Usage:
        """Give what an account has uploaded."""
        return Usage.from_json(await self._storage.get(STORE, owner, is_fresh=True))

    async def check(self, owner: str, size: int, quota: Quota, now: float, free_bytes: int) -> None:
        """Raise `QuotaReached` where there is no room for *size* more bytes of *owner*."""
        usage, promised = await self.usage(owner), self._promised[owner]
        whole = await self._all() + self._promised.total()
        if quota.account and usage.size + promised + size > quota.account:
            raise QuotaReached(
                f"Quota reached. All your files may have {quota.account} bytes together: remove some"
            )
        is_same_day = now - usage.day_began < DAY_S
        if quota.day and (usage.day_size if is_same_day else 0) + promised + size > quota.day:
            retry_at = usage.day_began + DAY_S if is_same_day and usage.day_size else None
            raise QuotaReached(f"Quota reached. You can only upload {quota.day} bytes a day", retry_at)
        if quota.whole and whole + size > quota.whole:
            raise QuotaReached("There is no room for more files on this server")
        if quota.kept_free and free_bytes - self._promised.total() - size < quota.kept_free:
            raise QuotaReached("There is no room on the disk of this server")

    def promise(self, slot: Slot) -> None:
        """A slot is given."""
        self._promised[slot.upload.owner] += slot.upload.size

    def release(self, slot: Slot) -> None:
        """It is used, or has ended."""
        self._promised[slot.upload.owner] -= slot.upload.size
        if not self._promised[slot.upload.owner]:
            del self._promised[slot.upload.owner]

    async def added(self, upload: Upload, now: float) -> Put:
        """Give what the usage is with one more file."""
        usage = await self.usage(upload.owner)
        began, of_day = usage.day_began, usage.day_size
        if now - began >= DAY_S:
            began, of_day = now, 0
        more = Usage(usage.files + 1, usage.size + upload.size, began, of_day + upload.size)
        return Put(STORE, upload.owner, "", more.to_json())

    async def removed(self, upload: Upload) -> Put:
        """Give what it is with one less. What was uploaded today stays counted."""
        usage = await self.usage(upload.owner)
        less = usage._replace(files=max(0, usage.files - 1), size=max(0, usage.size - upload.size))
        return Put(STORE, upload.owner, "", less.to_json())

    def count(self, size: int) -> None:
        """So many bytes more, or less, are stored by all accounts together."""
        if self._whole is not None:
            self._whole += size

    def forget(self) -> None:
        """Count anew what all have together: an account is gone."""
        self._whole = None

    async def _all(self) -> int:
        if self._whole is None:
            whole = 0
            for owner in await all_owners(self._storage, STORE):
                whole += (await self.usage(owner)).size
            self._whole = whole if self._whole is None else self._whole
        return self._whole

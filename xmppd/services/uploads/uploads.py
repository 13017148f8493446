"""Uploads: slots, files that come, files that are asked for, and files that go (XEP-0363 1.2.0).

Rules that live here: a file is served when all of it is on the disk and its record is committed, and never before; it
belongs to an account and goes with it; what a requester says of it, its name above all, is no part of its place. Slots
are in memory: after a restart a client asks for another. How a file comes and goes is in
`xmppd.services.uploads.folder`.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple
from weakref import WeakValueDictionary

from twisted.internet.defer import Deferred, DeferredLock

from xmppd.core.environment import Environment
from xmppd.core.waiting import deferred
from xmppd.services.uploads.bucket import Bucket
from xmppd.services.uploads.content import begins_as, media_type
from xmppd.services.uploads.errors import (
    DiskFull,
    FileTooLarge,
    NoSuchSlot,
    NoSuchUpload,
    SlotBusy,
    TooManySlots,
)
from xmppd.services.uploads.folder import UploadFolder, abandon, finish
from xmppd.services.uploads.quotas import Quotas
from xmppd.services.uploads.receiving import Receiving
from xmppd.services.uploads.signature import Credentials
from xmppd.services.uploads.store import ENDS, UploadStore, end_key, gone, put
from xmppd.services.uploads.upload import UNENDING, Purpose, Quota, Rule, Slot, Upload
from xmppd.storage.interface import Put, Storage

ID_BYTES: Final = 18
"""144 bits: nobody finds a file by trying (XEP-0363 9.3)."""
SLOT_S: Final = 300.0
"""XEP-0363 8 recommends it."""
SLOTS: Final = 10_000
SLOTS_OF_ACCOUNT: Final = 100

Body = Callable[[Receiving], Deferred[int]]
"""Has the body of a request taken: `xmppd.core.http.HttpRequest.receive`."""


class Wanted(NamedTuple):
    """What somebody wants to upload."""

    service: str
    owner: str
    filename: str
    size: int
    content_type: str = ""
    purpose: Purpose = Purpose.MESSAGE
    expires_before: float = UNENDING


class Uploads:
    """All files that were uploaded to this server."""

    def __init__(self, storage: Storage, environment: Environment, folder: UploadFolder):
        self._storage = storage
        self._now, self._random_text = environment.now, environment.random_text
        self._in_thread, self._ask_web = environment.in_thread, environment.ask_web
        self._folder = folder
        self._store = UploadStore(storage)
        self._quotas = Quotas(storage)
        self._slots: dict[str, Slot] = {}
        self._buckets: dict[str, Bucket] = {}
        """By service: whose files lie elsewhere."""
        self._locks: WeakValueDictionary[str, DeferredLock] = WeakValueDictionary()

    # -- where files lie ----------------------------------------------------------------------------------------------

    def keep_elsewhere(self, service: str, url: str, credentials: Callable[[], Credentials]) -> Bucket:
        """Have the files of a service in the bucket at *url* from now on; what signs for it may raise OSError."""
        self._buckets[service] = bucket = Bucket(url, credentials, self._now, self._ask_web)
        return bucket

    def keep_here(self, service: str) -> None:
        """Have them in the folder again."""
        self._buckets.pop(service, None)

    def new_id(self) -> str:
        """Give a part of an address that nobody guesses."""
        return self._random_text(ID_BYTES)

    def keeper(self, service: str) -> Bucket | UploadFolder:
        """Give what has the files of a service."""
        return self._buckets.get(service, self._folder)

    @deferred
    async def slot_elsewhere(self, wanted: Wanted, rule: Rule, quota: Quota) -> Upload:
        """Give a file that is on record before it is there: who puts it does so past this server.

        Raises what `slot` does. After `SLOT_S` and a while it is looked whether it has come (`UploadUpkeep.sweep`).
        """
        if wanted.size > rule.max_bytes:
            raise FileTooLarge(rule.max_bytes)
        async with self._exclusive(wanted.owner):
            now = self._now()
            await self._quotas.check(wanted.owner, wanted.size, quota._replace(kept_free=0), now, 0)
            upload = replace(self._expected(wanted, rule, now), is_what_it_says=True)
            look = Put(ENDS, upload.service, end_key(now + 2 * SLOT_S, upload.id), upload.owner.encode())
            await self._storage.commit(*put(upload), look, await self._quotas.added(upload, now))
            self._quotas.count(upload.size)
        return upload

    # -- slots --------------------------------------------------------------------------------------------------------

    @deferred
    async def slot(self, wanted: Wanted, rule: Rule, quota: Quota) -> Slot:
        """Give the right to upload a file; `FileTooLarge`, `QuotaReached`."""
        if wanted.size > rule.max_bytes:
            raise FileTooLarge(rule.max_bytes)
        async with self._exclusive(wanted.owner):
            now = self._now()
            self._end_slots(now)
            own = [each for each in self._slots.values() if each.upload.owner == wanted.owner]
            if len(own) >= SLOTS_OF_ACCOUNT or len(self._slots) >= SLOTS:
                raise TooManySlots("You have too many open slots", now + SLOT_S)
            free_bytes = await self._in_thread(self._folder.free_bytes)
            await self._quotas.check(wanted.owner, wanted.size, quota, now, free_bytes)
            slot = Slot(self.new_id(), self._expected(wanted, rule, now), now + SLOT_S)
            self._slots[slot.key] = slot
            self._quotas.promise(slot)
            return slot

    def _expected(self, wanted: Wanted, rule: Rule, now: float) -> Upload:
        ends = [wanted.expires_before] if wanted.expires_before != UNENDING else []
        if rule.keep_s != UNENDING:
            ends.append(now + rule.keep_s)
        return Upload(
            id=self.new_id(),
            service=wanted.service,
            owner=wanted.owner,
            filename=wanted.filename,
            size=wanted.size,
            content_type=media_type(wanted.content_type),
            is_what_it_says=False,
            purpose=wanted.purpose,
            created_at=now,
            expires_at=min(ends, default=UNENDING),
        )

    def expected(self, service: str, key: str) -> Upload:
        """Give what may be uploaded by a slot now; `NoSuchSlot`."""
        return self._open(service, key).upload

    @deferred
    async def receive(self, service: str, key: str, body: Body) -> Upload:
        """Take a file by its slot, which is used then; fires when it can be had by others, for good.

        Raises `NoSuchSlot`, `SlotBusy`, `WrongSize`, `DiskFull`, `StorageError`, and what *body* does; the slot is open
        again then, as long as it lasts.
        """
        slot = self._open(service, key)
        if slot.is_busy:
            raise SlotBusy("Somebody uploads this file already")
        slot.is_busy = True
        try:
            upload = await self._received(slot, body)
            self._quotas.count(upload.size)
            self._forget(slot)
        finally:
            slot.is_busy = False
        return upload

    async def _received(self, slot: Slot, body: Body) -> Upload:
        file_id, size = slot.upload.id, slot.upload.size
        file = await self._in_thread(self._folder.create, file_id)
        try:
            receiving = Receiving(file, size, self._in_thread)
            await body(receiving)
            receiving.check()
            await receiving.flush()
            await self._in_thread(finish, file)
            return await self._keep(slot.upload, receiving.head)
        except Exception:
            await self._in_thread(abandon, file)
            await self._in_thread(self._folder.drop, file_id)
            raise

    async def _keep(self, expected: Upload, head: bytes) -> Upload:
        """Commit the record of a file that is whole, and move it to its place."""
        fits = begins_as(expected.content_type, head)
        upload = replace(expected, is_what_it_says=fits, created_at=self._now())
        async with self._exclusive(upload.owner):
            await self._storage.commit(*put(upload), await self._quotas.added(upload, self._now()))
            try:
                await self._in_thread(self._folder.settle, upload.id)
            except OSError as error:
                await self._storage.commit(*gone(upload), await self._quotas.removed(upload))
                raise DiskFull(f"The file cannot be moved to its place: {error}") from error
        return upload

    # -- files --------------------------------------------------------------------------------------------------------

    @deferred
    async def find(self, service: str, id: str) -> Upload:
        """Give a file that may be had now; `NoSuchUpload`."""
        upload = await self._store.find(service, id)
        if upload is None or upload.is_over(self._now()):
            raise NoSuchUpload("There is no such file")
        return upload

    def place_of(self, upload: Upload) -> Path:
        """Give where it lies on the disk."""
        return self._folder.place_of(upload.id)

    @deferred
    async def of_account(self, owner: str) -> list[Upload]:
        """Give the files of an account, the newest first."""
        return [each for each in await self._store.of_account(owner) if not each.is_over(self._now())]

    @deferred
    async def page(self, owner: str, after: str | None, limit: int) -> tuple[list[Upload], str | None]:
        """Give at most *limit* files of an account, in the order of their ids, from behind *after*.

        With it what the next page is behind; None where there are no more. It costs what the page does, however many
        files there are.
        """
        found, following = await self._store.page_of_account(owner, after, limit)
        return [each for each in found if not each.is_over(self._now())], following

    @deferred
    async def remove(self, upload: Upload) -> None:
        """Remove a file; nobody gets it once this is done. `NoSuchUpload` where it is gone already."""
        async with self._exclusive(upload.owner):
            if await self._store.read(upload.owner, upload.id) is None:
                raise NoSuchUpload("There is no such file")
            await self._in_thread(self.keeper(upload.service).lift, upload.id)
            await self._storage.commit(*gone(upload), await self._quotas.removed(upload))
            self._quotas.count(-upload.size)
        await self._in_thread(self.keeper(upload.service).drop, upload.id)

    # -- the rest -----------------------------------------------------------------------------------------------------

    def _open(self, service: str, key: str) -> Slot:
        slot = self._slots.get(key)
        if (
            slot is None
            or slot.upload.service != service
            or (slot.ends_at <= self._now() and not slot.is_busy)
        ):
            raise NoSuchSlot("This slot is unknown, used or over: ask for another")
        return slot

    def _end_slots(self, now: float) -> None:
        for slot in [each for each in self._slots.values() if each.ends_at <= now and not each.is_busy]:
            self._forget(slot)

    def _forget(self, slot: Slot) -> None:
        if self._slots.pop(slot.key, None) is not None:
            self._quotas.release(slot)

    def is_coming(self, id: str) -> bool:
        """Whether a file of this id is being uploaded now."""
        return any(slot.is_busy and slot.upload.id == id for slot in self._slots.values())

    def account_is_gone(self) -> None:
        """Count anew what all have together."""
        self._quotas.forget()

    def _exclusive(self, owner: str) -> DeferredLock:
        lock = self._locks.get(owner)
        if lock is None:
            self._locks[owner] = lock = DeferredLock()
        return lock

"""What is done about files by itself: at the start, every hour, every day, and when an account is gone."""

from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.core.environment import Environment
from xmppd.core.timers import Timer, Timers
from xmppd.core.waiting import deferred, spawn
from xmppd.services.uploads.bucket import Bucket
from xmppd.services.uploads.errors import NoSuchUpload
from xmppd.services.uploads.folder import UploadFolder
from xmppd.services.uploads.store import ENDS, OWNERS, UploadStore, end_of
from xmppd.services.uploads.upload import Upload
from xmppd.services.uploads.uploads import Uploads
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Change, Delete, Storage, StorageError

EVERY_S: Final = 3_600.0
LEFT_OVER_TURNS: Final = 24
"""So often a sweep also looks for files of accounts that went without a word, as with ``xmppctl host purge``."""
A_TURN: Final = 100
PAUSE_S: Final = 0.05


class UploadUpkeep:
    """Finishes what a kill has interrupted, and removes what has ended."""

    _log = Logger()

    def __init__(
        self,
        uploads: Uploads,
        storage: Storage,
        folder: UploadFolder,
        environment: Environment,
        timers: Timers,
    ):
        self._uploads = uploads
        self._storage = storage
        self._store = UploadStore(storage)
        self._folder = folder
        self._in_thread, self._now = environment.in_thread, environment.now
        self._timers = timers
        self._is_sweeping = False
        self._turns = 0

    def start(self) -> None:
        """Begin, once all accounts are known."""
        spawn("uploads that were interrupted", self._logged("interrupted uploads", self.recover()))
        self._spawn_left_over()
        self._timers.add(EVERY_S, self._due)

    def account_removed(self, jid: JID) -> None:
        """All files of this account go; nobody gets them any more already."""
        self._uploads.account_is_gone()
        spawn("uploads of an account that is gone", self._logged("uploads", self.clear_left_over(jid.bare)))

    @deferred
    async def recover(self) -> None:
        """Look at what was on its way when the last run ended: see `xmppd.services.uploads.folder`."""
        services = await self._store.services()
        for id, size in await self._in_thread(self._folder.in_motion):
            if self._uploads.is_coming(id):
                continue
            found = [await self._store.find(service, id) for service in services]
            if any(upload is not None and upload.size == size for upload in found):
                await self._in_thread(self._folder.settle, id)
            else:
                await self._in_thread(self._folder.drop, id)

    @deferred
    async def clear_left_over(self, owner: str | None = None) -> None:
        """Remove the files whose record went with their account; of one account or of all."""
        done = 0
        for service in await self._store.services():
            async for page in self._store.owners(service):
                for id, of in page.items():
                    if (owner is None or of == owner) and await self._store.read(of, id) is None:
                        await self._clear(service, id)
                    done += 1
                    if done % A_TURN == 0:
                        await self._timers.wait(PAUSE_S)

    async def _clear(self, service: str, id: str, key: str | None = None) -> None:
        changes: list[Change] = [Delete(OWNERS, service, id)]
        if key is not None:
            changes.append(Delete(ENDS, service, key))
        keeper = self._uploads.keeper(service)
        await self._in_thread(keeper.lift, id)
        await self._storage.commit(*changes)
        await self._in_thread(keeper.drop, id)

    @deferred
    async def sweep(self) -> None:
        """Remove what has ended."""
        self._is_sweeping = True
        try:
            for service in await self._store.services():
                await self._logged(f"ended uploads of {service}", self._sweep(service))
        finally:
            self._is_sweeping = False

    @deferred
    async def _sweep(self, service: str) -> None:
        while ended := await self._store.ended(service, self._now()):
            for key, id, owner in ended:
                await self._end(service, key, id, owner)
            await self._timers.wait(PAUSE_S)

    async def _end(self, service: str, key: str, id: str, owner: str) -> None:
        upload = await self._store.read(owner, id)
        if upload is None:
            await self._clear(service, id, key)
            return
        if end_of(upload) != key:  # the time by which a file is in its bucket, or one that holds no more
            await self._look_for(upload)
            await self._storage.commit(Delete(ENDS, service, key))
            return
        await self._remove(upload, key)

    async def _look_for(self, upload: Upload) -> None:
        """Forget a file that was never put where it was to be."""
        keeper = self._uploads.keeper(upload.service)
        if isinstance(keeper, Bucket) and not await self._in_thread(keeper.is_there, upload.id):
            await self._remove(upload, end_of(upload))

    async def _remove(self, upload: Upload, key: str) -> None:
        service, id = upload.service, upload.id
        try:
            await self._uploads.remove(upload)
        except NoSuchUpload:
            await self._clear(service, id, key)

    def _due(self, now: float, timer: Timer, param: object) -> float:
        if not self._is_sweeping:
            spawn("ended uploads", self._logged("ended uploads", self.sweep()))
        self._turns += 1
        if self._turns % LEFT_OVER_TURNS == 0:
            self._spawn_left_over()
        return EVERY_S

    def _spawn_left_over(self) -> None:
        spawn("uploads of accounts that are gone", self._logged("left-over uploads", self.clear_left_over()))

    async def _logged(self, what: str, waiting: Deferred[None]) -> None:
        try:
            await waiting
        except (StorageError, OSError) as error:
            self._log.error("Not all is done about {what} yet: {error}", what=what, error=str(error))

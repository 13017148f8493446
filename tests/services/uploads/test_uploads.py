"""Uploads (XEP-0363): nothing that is not whole is served, whatever happens; nobody gets more room than there is."""

import errno
import os
from collections.abc import Callable
from typing import BinaryIO

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionLost
from twisted.python.monkey import MonkeyPatcher
from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.services.accounts.removal import Removal
from xmppd.services.uploads import folder as on_disk
from xmppd.services.uploads.errors import (
    DiskFull,
    NoSuchSlot,
    NoSuchUpload,
    SlotBusy,
    WrongSize,
)
from xmppd.services.uploads.quotas import DAY_S
from xmppd.services.uploads.receiving import PIECE_BYTES, Receiving
from xmppd.services.uploads.upkeep import UploadUpkeep
from xmppd.services.uploads.upload import UNENDING, Purpose, Quota, Rule, Slot, Upload
from xmppd.services.uploads.uploads import SLOT_S, Uploads, Wanted
from xmppd.stanza.jid import JID
from xmppd.storage.interface import StorageFull
from xmppd.testing.server import MemoryServer, now

SERVICE, ROMEO = "upload.localhost", "romeo@localhost"
NO_LIMIT = Quota(0, 0, 0, 0)
RULE = Rule(1_000_000, 100 * DAY_S)
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100


class Base(SynchronousTestCase):
    """A server with Romeo and an empty folder."""

    def setUp(self) -> None:
        """Nothing is uploaded yet."""
        self.folder = temporary_folder(self)
        self.begin(MemoryServer(self.options))
        self.memory.add_account(ROMEO)

    @property
    def options(self) -> str:
        """Where the files lie."""
        return f'data_dir = "{self.folder}"\n'

    def begin(self, memory: MemoryServer) -> None:
        """Go on with this server."""
        self.memory = memory
        memory.storage.clock = memory.clock
        self.uploads = memory.server.services[Uploads]
        self.upkeep = memory.server.services[UploadUpkeep]

    def killed(self) -> None:
        """The server is killed, and starts again."""
        self.begin(MemoryServer(self.options, storage=self.memory.storage.killed(), first_id=1_000))
        self.upkeep.start()
        self.memory.settle()

    def slot(
        self,
        size: int = len(PNG),
        owner: str = ROMEO,
        rule: Rule = RULE,
        quota: Quota = NO_LIMIT,
        expires_before: float = UNENDING,
    ) -> Slot:
        """Give a slot for a picture."""
        wanted = Wanted(SERVICE, owner, "a.png", size, "image/png", Purpose.MESSAGE, expires_before)
        found = now(self.uploads.slot(wanted, rule, quota))
        assert isinstance(found, Slot)
        return found

    def upload(self, data: bytes = PNG, **how: object) -> Upload:
        """Upload *data* and give the file."""
        slot = self.slot(len(data), **how)  # type: ignore[arg-type]  # as its own
        found = now(self.uploads.receive(SERVICE, slot.key, sending(data)))
        assert isinstance(found, Upload)
        return found

    def content(self, upload: Upload) -> bytes:
        """What is served."""
        found = now(self.uploads.find(SERVICE, upload.id))
        return self.uploads.place_of(found).read_bytes()

    def files(self) -> list[str]:
        """The names of all files that there are, with their folder."""
        root = self.folder / "uploads"
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    def moving(self) -> list[str]:
        """Those that are on their way."""
        return [name for name in self.files() if name.startswith("moving/")]


def sending(*pieces: bytes) -> Callable[[Receiving], Deferred[int]]:
    """A body that comes in pieces at once."""

    def body(sink: Receiving) -> Deferred[int]:
        for piece in pieces:
            sink.write(piece)
        return succeed(sum(map(len, pieces)))

    return body


def hanging(end: Deferred[int]) -> Callable[[Receiving], Deferred[int]]:
    """A body of which all has come, but it does not end before *end*."""

    def body(sink: Receiving) -> Deferred[int]:
        sink.write(PNG)
        return end

    return body


class ComingTests(Base):
    """Files that come."""

    def test_whole(self) -> None:
        """A file is there, whole, under an id that says nothing of it."""
        upload = self.upload()
        self.assertEqual(self.content(upload), PNG)
        self.assertTrue(upload.is_what_it_says)
        self.assertEqual(self.files(), [f"{upload.id[:2]}/{upload.id}"])
        place = self.uploads.place_of(upload)
        self.assertEqual((place.stat().st_mode & 0o777, place.parent.stat().st_mode & 0o777), (0o600, 0o700))

    def test_slot_is_used_once(self) -> None:
        """It is not there any more, nor is one of another service, or one that nobody got."""
        slot = self.slot()
        now(self.uploads.receive(SERVICE, slot.key, sending(PNG)))
        for service, key in ((SERVICE, slot.key), (SERVICE, "x"), ("other.localhost", self.slot().key)):
            with self.assertRaises(NoSuchSlot):
                now(self.uploads.receive(service, key, sending(PNG)))

    def test_slot_ends(self) -> None:
        """XEP-0363 8: it is good for some minutes."""
        slot = self.slot()
        self.memory.pass_time(SLOT_S)
        with self.assertRaises(NoSuchSlot):
            now(self.uploads.receive(SERVICE, slot.key, sending(PNG)))

    def test_other_sizes(self) -> None:
        """XEP-0363 7: what is larger or smaller is refused, leaves nothing, and may be tried again."""
        slot = self.slot()
        for pieces in ((PNG, b"x"), (PNG[:-1],), ()):
            with self.assertRaises(WrongSize):
                now(self.uploads.receive(SERVICE, slot.key, sending(*pieces)))
            self.assertEqual(self.files(), [])
        now(self.uploads.receive(SERVICE, slot.key, sending(PNG)))

    def test_interrupted(self) -> None:
        """The connection is lost half-way: nothing is there, and the slot is good still."""
        slot = self.slot()
        waiting: list[Deferred[int]] = []

        def body(sink: Receiving) -> Deferred[int]:
            sink.write(PNG[:50])
            waiting.append(Deferred())
            return waiting[-1]

        coming = self.uploads.receive(SERVICE, slot.key, body)
        with self.assertRaises(NoSuchUpload):
            now(self.uploads.find(SERVICE, slot.upload.id))
        with self.assertRaises(SlotBusy):
            now(self.uploads.receive(SERVICE, slot.key, sending(PNG)))
        waiting[0].errback(ConnectionLost())
        self.failureResultOf(coming, ConnectionLost)
        self.assertEqual(self.files(), [])
        now(self.uploads.receive(SERVICE, slot.key, sending(PNG)))

    def test_slow_is_not_late(self) -> None:
        """Who has begun in time may end later."""
        slot = self.slot()
        waiting: Deferred[int] = Deferred()

        def body(sink: Receiving) -> Deferred[int]:
            sink.write(PNG)
            return waiting

        coming = self.uploads.receive(SERVICE, slot.key, body)
        self.memory.pass_time(10 * SLOT_S)
        self.slot()
        waiting.callback(len(PNG))
        self.assertEqual(self.content(now(coming)), PNG)

    def test_memory(self) -> None:
        """What has come is on the disk, but for a piece."""
        slot = self.slot(10 * PIECE_BYTES, rule=Rule(10 * PIECE_BYTES, 0))
        waiting: Deferred[int] = Deferred()
        sinks: list[Receiving] = []

        def body(sink: Receiving) -> Deferred[int]:
            sinks.append(sink)
            return waiting

        coming = self.uploads.receive(SERVICE, slot.key, body)
        for _ in range(80):
            sinks[0].write(b"x" * (PIECE_BYTES // 8))
            self.assertLess(sinks[0]._waiting, PIECE_BYTES)
        waiting.callback(1)
        self.assertEqual(len(self.content(now(coming))), 10 * PIECE_BYTES)

    def test_disk_full(self) -> None:
        """promises#disk-full: whoever uploads is told, nothing is left, and what is there stays."""
        first = self.upload()

        for name in ("write", "fsync"):
            slot = self.slot()
            failing = self.patch(os, "fsync", no_room) if name == "fsync" else self.full_disk()
            with self.assertRaises(DiskFull):
                now(self.uploads.receive(SERVICE, slot.key, sending(PNG)))
            failing.restore()
            self.assertEqual(len(self.files()), 1)
        self.assertEqual(self.content(first), PNG)

    def full_disk(self) -> MonkeyPatcher:
        """What is written goes to a device that is full."""
        create = on_disk.UploadFolder.create

        def created(folder: on_disk.UploadFolder, id: str) -> BinaryIO:
            create(folder, id).close()
            return open("/dev/full", "wb")

        patch: MonkeyPatcher = self.patch(on_disk.UploadFolder, "create", created)
        return patch

    def test_not_committed(self) -> None:
        """A file whose record cannot be stored is none."""
        slot = self.slot()
        self.memory.storage.failing = StorageFull("full")
        with self.assertRaises(StorageFull):
            now(self.uploads.receive(SERVICE, slot.key, sending(PNG)))
        self.memory.storage.failing = None
        self.assertEqual(self.files(), [])

    def test_cannot_be_placed(self) -> None:
        """Where the file cannot get to its place, there is no record either."""
        slot = self.slot()
        (self.folder / "uploads").mkdir()
        (self.folder / "uploads" / slot.upload.id[:2]).write_text("in the way")
        with self.assertRaises(DiskFull):
            now(self.uploads.receive(SERVICE, slot.key, sending(PNG)))
        with self.assertRaises(NoSuchUpload):
            now(self.uploads.find(SERVICE, slot.upload.id))
        self.assertEqual(self.moving(), [])


def no_room(*args: object) -> None:
    """What a full disk says."""
    raise OSError(errno.ENOSPC, "No space left on device")


class KilledTests(Base):
    """SIGKILL while a file comes or goes."""

    def setUp(self) -> None:
        """What hangs when it is killed does nothing any more."""
        super().setUp()
        self.hanging: list[object] = []

    def test_half(self) -> None:
        """A half file is gone after the start, and so is its slot."""
        slot = self.slot()
        body: Deferred[int] = Deferred()
        self.hanging = [body, self.uploads.receive(SERVICE, slot.key, hanging(body))]
        self.assertEqual(len(self.moving()), 1)
        self.killed()
        self.assertEqual(self.files(), [])
        with self.assertRaises(NoSuchSlot):
            now(self.uploads.receive(SERVICE, slot.key, sending(PNG)))

    def test_before_the_commit(self) -> None:
        """A whole file without a record is gone."""
        slot = self.slot()
        self.memory.storage.commit_delay_s = 1.0
        self.hanging = [self.uploads.receive(SERVICE, slot.key, sending(PNG))]
        self.assertEqual(len(self.moving()), 1)
        self.killed()
        self.assertEqual(self.files(), [])

    def test_after_the_commit(self) -> None:
        """A whole file with its record, which was not moved yet, gets to its place."""
        slot = self.slot()
        stuck = self.patch(on_disk.UploadFolder, "settle", lambda folder, id: None)
        now(self.uploads.receive(SERVICE, slot.key, sending(PNG)))
        stuck.restore()
        self.assertEqual(self.moving(), [f"moving/{slot.upload.id}"])
        self.killed()
        self.assertEqual(self.content(slot.upload), PNG)
        self.assertEqual(self.moving(), [])

    def test_removal(self) -> None:
        """Before its commit the file is there again, after it the file is gone."""
        kept, gone = self.upload(), self.upload()
        self.memory.storage.commit_delay_s = 1.0
        self.hanging = [self.uploads.remove(kept)]
        self.assertEqual(self.moving(), [f"moving/{kept.id}"])
        self.killed()
        self.assertEqual(self.content(kept), PNG)
        stuck = self.patch(on_disk.UploadFolder, "drop", lambda folder, id: None)
        now(self.uploads.remove(gone))
        stuck.restore()
        self.killed()
        self.assertEqual(self.files(), [f"{kept.id[:2]}/{kept.id}"])

    def test_account(self) -> None:
        """The files of an account that was removed are served no more at once, and go at the start."""
        upload = self.upload()
        stuck = self.patch(UploadUpkeep, "account_removed", lambda upkeep, jid: None)
        self.begin(MemoryServer(self.options, storage=self.memory.storage))
        now(self.memory.server.services[Removal].remove(JID.parse(ROMEO)))
        stuck.restore()
        self.memory.add_account(ROMEO)
        with self.assertRaises(NoSuchUpload):
            now(self.uploads.find(SERVICE, upload.id))
        self.assertEqual(len(self.files()), 1)
        self.killed()
        self.assertEqual(self.files(), [])

    def test_while_another_comes(self) -> None:
        """What comes already when the start looks is left alone."""
        slot = self.slot()
        body: Deferred[int] = Deferred()
        coming = self.uploads.receive(SERVICE, slot.key, hanging(body))
        self.upkeep.start()
        self.memory.settle()
        body.callback(len(PNG))
        self.assertEqual(self.content(now(coming)), PNG)

"""How files go, how many there may be, and what is in them."""

import os
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from tests.services.uploads.test_uploads import PNG, ROMEO, SERVICE, Base
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.accounts.removal import Removal
from xmppd.services.uploads.content import begins_as, media_type
from xmppd.services.uploads.errors import (
    FileTooLarge,
    NoSuchUpload,
    QuotaReached,
)
from xmppd.services.uploads.quotas import DAY_S
from xmppd.services.uploads.store import OWNERS, UPLOADS
from xmppd.services.uploads.upkeep import EVERY_S, LEFT_OVER_TURNS
from xmppd.services.uploads.upload import UNENDING, Purpose, Quota, Rule, Upload, Usage
from xmppd.services.uploads.uploads import SLOT_S, SLOTS_OF_ACCOUNT
from xmppd.stanza.jid import JID
from xmppd.testing.server import now


class GoingTests(Base):
    """Files that go."""

    def test_removed(self) -> None:
        """By its owner; what is gone cannot be removed."""
        upload = self.upload()
        now(self.uploads.remove(upload))
        self.assertEqual(self.files(), [])
        for ask in (self.uploads.remove(upload), self.uploads.find(SERVICE, upload.id)):
            self.failureResultOf(ask, NoSuchUpload)

    def test_ended(self) -> None:
        """After its time it is served no more, and within the hour it is gone; the others stay."""
        kept = self.upload(rule=Rule(1_000, UNENDING))
        ended = self.upload(rule=Rule(1_000, DAY_S))
        sooner = self.upload(expires_before=self.memory.server.streams.now() + 60)
        self.upkeep.start()
        self.memory.pass_time(60)
        self.failureResultOf(self.uploads.find(SERVICE, sooner.id), NoSuchUpload)
        self.assertEqual(self.content(ended), PNG)
        self.memory.pass_time(DAY_S + 3_600)
        self.assertEqual(self.files(), [f"{kept.id[:2]}/{kept.id}"])
        self.assertEqual(now(self.uploads.of_account(ROMEO)), [kept])

    def test_with_the_account(self) -> None:
        """All files of an account go with it, and those of others stay."""
        self.memory.add_account("juliet@localhost")
        self.upload()
        self.upload()
        kept = self.upload(owner="juliet@localhost")
        now(self.memory.server.services[Removal].remove(JID.parse(ROMEO)))
        self.memory.settle()
        self.assertEqual(self.files(), [f"{kept.id[:2]}/{kept.id}"])
        self.assertEqual(len(now(self.memory.storage.keys(OWNERS, SERVICE))), 1)

    def test_left_over(self) -> None:
        """The files of a domain whose data were purged go within a day."""
        upload = self.upload()
        now(self.memory.server.services[Accounts].purge("localhost"))
        with self.assertRaises(NoSuchUpload):
            now(self.uploads.find(SERVICE, upload.id))
        self.upkeep.start()
        self.memory.add_account(ROMEO)
        kept = self.upload()
        now(self.memory.server.services[Accounts].purge("localhost"))
        self.memory.settle()
        self.assertEqual(self.files(), [f"{kept.id[:2]}/{kept.id}"])
        for _ in range(LEFT_OVER_TURNS):
            self.memory.pass_time(EVERY_S)
        self.assertEqual(self.files(), [])

    def test_lost_file(self) -> None:
        """A record whose file somebody has deleted can be removed."""
        upload = self.upload()
        os.unlink(self.uploads.place_of(upload))
        now(self.uploads.remove(upload))
        self.assertEqual(now(self.memory.storage.keys(UPLOADS, ROMEO)), [])


class QuotaTests(Base):
    """How much there is room for."""

    def refused(self, **how: object) -> QuotaReached:
        """Give why there is no slot."""
        with self.assertRaises(QuotaReached) as caught:
            self.slot(**how)  # type: ignore[arg-type]  # as its own
        error: QuotaReached = caught.exception
        return error

    def test_file(self) -> None:
        """XEP-0363 6: a file has so many bytes at most."""
        with self.assertRaises(FileTooLarge) as caught:
            self.slot(1_001, rule=Rule(1_000, 0))
        self.assertEqual(caught.exception.max_bytes, 1_000)

    def test_account(self) -> None:
        """All files of an account, and its open slots; what is removed makes room."""
        quota = Quota(250, 0, 0, 0)
        upload = self.upload(b"x" * 100)
        self.slot(100, quota=quota)
        self.assertIsNone(self.refused(size=100, quota=quota).retry_at)
        self.memory.pass_time(SLOT_S)
        self.slot(100, quota=quota)
        now(self.uploads.remove(upload))
        self.slot(100, quota=quota)

    def test_day(self) -> None:
        """What is uploaded and removed counts for the day; it is told when there is room again."""
        quota = Quota(0, 250, 0, 0)
        began = self.memory.server.streams.now()
        now(self.uploads.remove(self.upload(b"x" * 100)))
        self.memory.pass_time(3_600)
        self.upload(b"x" * 100)
        self.assertEqual(self.refused(size=100, quota=quota).retry_at, began + DAY_S)
        self.memory.pass_time(DAY_S - 3_600)
        self.slot(100, quota=quota)

    def test_whole(self) -> None:
        """All accounts together, after a restart too, and when accounts are gone."""
        quota = Quota(0, 0, 250, 0)
        self.upload(b"x" * 100)
        self.slot(100, quota=quota)
        self.refused(size=100, quota=quota, owner="juliet@localhost")
        self.killed()
        self.upload(b"x" * 100, owner="juliet@localhost")
        self.refused(size=100, quota=quota, owner="juliet@localhost")
        now(self.memory.server.services[Removal].remove(JID.parse(ROMEO)))
        self.memory.settle()
        self.slot(100, quota=quota, owner="juliet@localhost")

    def test_disk(self) -> None:
        """So much of the disk stays free."""
        self.refused(quota=Quota(0, 0, 0, 1 << 62))

    def test_slots(self) -> None:
        """An account has so many open slots at most, and others have theirs."""
        for _ in range(SLOTS_OF_ACCOUNT):
            self.slot(1)
        self.assertIsNotNone(self.refused(size=1).retry_at)
        self.slot(1, owner="juliet@localhost")
        self.memory.pass_time(SLOT_S)
        self.slot(1)


class ContentTests(SynchronousTestCase):
    """Types, and what is stored."""

    def test_media_types(self) -> None:
        """Without parameters, in lower case; what is none is nothing."""
        for text, found in (
            ("Image/PNG", "image/png"),
            ("text/plain; charset=utf-8", "text/plain"),
            ("", ""),
            ("x", ""),
            ("a/b\r\nSet-Cookie: c", ""),
            ("text/html\x00", ""),
            ("a" * 200 + "/b", ""),
        ):
            self.assertEqual(media_type(text), found, text)

    def test_beginnings(self) -> None:
        """A picture begins as one; a page does not pass for it, nor for a text with something in it."""
        page = b"<html><script>"
        self.assertTrue(begins_as("image/png", PNG))
        self.assertFalse(begins_as("image/png", page))
        self.assertTrue(begins_as("video/mp4", b"\0\0\0\x20ftypisom"))
        self.assertTrue(begins_as("image/webp", b"RIFF\1\2\3\4WEBPVP8 "))
        self.assertFalse(begins_as("text/plain", b"MZ\0\0"))
        self.assertTrue(begins_as("text/plain", page))
        self.assertTrue(begins_as("application/pdf", page))

    def test_stored(self) -> None:
        """What is stored is read back."""
        upload = Upload("i", "s", "o@s", "ü.png", 5, "image/png", True, Purpose.PROFILE, 1.5, UNENDING)
        self.assertEqual(Upload.from_json("i", "o@s", upload.to_json()), upload)
        for data in (b"[]", b"{}", b"\xff", replace(upload, size=1).to_json()[:-1]):
            with self.assertRaises(ValueError):
                Upload.from_json("i", "o@s", data)
        self.assertEqual(Usage.from_json(Usage(1, 2, 3.0, 4).to_json()), Usage(1, 2, 3.0, 4))
        self.assertEqual(Usage.from_json(b"{"), Usage())

"""A data file that is taken away from a running server."""

from twisted.trial.unittest import TestCase

from tests.storage.contract_base import ALICE
from tests.storage.sqlite_storage import new_storage
from tests.temporary import temporary_folder
from xmppd.storage.interface import Put, StorageFailed


class PlaceTests(TestCase):
    """What would be lost is not told to be stored."""

    async def refusal(self, storage: object) -> str:
        """Give the words with which a change is refused."""
        try:
            await storage.commit(Put("s", ALICE, "k", b"w"))  # type: ignore[attr-defined]
        except StorageFailed as error:
            return str(error)
        raise AssertionError("it was stored")

    async def test_moved_away(self) -> None:
        """Nothing is stored until it is back; the log has it once."""
        path = temporary_folder(self) / "data"
        storage = new_storage(self, path)
        await storage.commit(Put("s", ALICE, "k", b"v"))
        path.rename(path.with_name("away"))
        for _ in range(2):
            said = await self.refusal(storage)
            self.assertIn(f"the data file {path} is gone (No such file or directory): put it back", said)
        path.with_name("away").rename(path)
        await storage.commit(Put("s", ALICE, "k", b"x"))
        self.assertEqual(await storage.get("s", ALICE, "k"), b"x")

    async def test_another_in_its_place(self) -> None:
        """As a copy that is restored under a running server."""
        path = temporary_folder(self) / "data"
        storage = new_storage(self, path)
        await storage.commit(Put("s", ALICE, "k", b"v"))
        copy = path.with_name("copy")
        copy.write_bytes(path.read_bytes())
        copy.rename(path)
        self.assertIn("another file was put in the place of", await self.refusal(storage))

    async def test_folder_moved_away(self) -> None:
        """The same with all around it."""
        folder = temporary_folder(self) / "folder"
        folder.mkdir()
        storage = new_storage(self, folder / "data")
        await storage.commit(Put("s", ALICE, "k", b"v"))
        folder.rename(folder.with_name("moved"))
        self.assertIn("is gone", await self.refusal(storage))

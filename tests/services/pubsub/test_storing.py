"""What is stored of nodes: all of a change or nothing, and what is in memory is what is stored."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.services.pubsub import contract
from tests.services.pubsub.contract import ACTS, made, seen
from tests.services.pubsub.world import JULIET, World, item
from tests.storage.in_step import TABLES, InStep
from tests.temporary import temporary_folder
from xmppd.stanza.errors import StanzaError
from xmppd.storage.interface import StorageFailed
from xmppd.storage.memory import MemoryStorage


class MemoryTests(contract.StoringContract):
    """In memory."""

    faults = ("the disk is gone",)

    def storage(self) -> MemoryStorage:
        """Open it."""
        return MemoryStorage()

    def opened_again(self, storage: MemoryStorage) -> MemoryStorage:
        """It is as it was."""
        return storage

    def break_(self, storage: MemoryStorage, fault: str) -> None:
        """Nothing can be stored."""
        storage.failing = StorageFailed(fault)

    def mend(self, storage: MemoryStorage) -> None:
        """All can."""
        storage.failing = None


class SQLiteTests(contract.StoringContract):
    """In a file."""

    faults = TABLES

    def storage(self) -> InStep:
        """Open a file."""
        return self._open(temporary_folder(self) / "data.sqlite")

    def opened_again(self, storage: InStep) -> InStep:
        """Close the file and open it again."""
        storage.close()
        return self._open(storage.path)

    def _open(self, path: Path) -> InStep:
        storage = InStep(path)
        self.addCleanup(storage.close)
        return storage

    def break_(self, storage: InStep, fault: str) -> None:
        """No row of some tables can be changed, while those of others are, in the same transaction."""
        storage.refuse(fault)

    def mend(self, storage: InStep) -> None:
        """All can."""
        storage.allow()


_OPERATIONS = st.lists(
    st.tuples(st.sampled_from(sorted(ACTS)), st.sampled_from(("1", "2", "3", "\n", "é"))), max_size=12
)


class PropertyTests(SynchronousTestCase):
    """Whatever is done, what is in memory is what is stored."""

    @settings(max_examples=25)
    @given(_OPERATIONS, st.sampled_from(("personal", "domain")))
    def test_a_start_changes_nothing(self, operations: list[tuple[str, str]], kind: str) -> None:
        """After any operations, with any ids, a server that starts anew shows the same."""
        storage = MemoryStorage()
        world = made(storage)
        realm = world.realm(kind)
        for name, id in operations:
            try:
                if name == "publish":
                    world.now(world.publishing.publish(realm, JULIET, "n", item(id)))
                else:
                    world.now(ACTS[name](world, realm))
            except StanzaError:
                pass
        shown = seen(world, realm)
        again = World(storage)
        self.assertEqual(seen(again, again.realm(kind)), shown)

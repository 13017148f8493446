"""How often the storage is asked: what goes on all the time asks for nothing."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.services.pubsub.world import JULIET, World, item
from xmppd.storage.memory import MemoryStorage


class Counting(MemoryStorage):
    """A storage that notes what is read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name in ("get", "get_all", "get_range", "keys", "load", "owners", "read", "read_ids", "count"):
            self.reads.append(name)
        return super().__getattribute__(name)


class ReadsTests(SynchronousTestCase):
    """Of an account with a client."""

    def setUp(self) -> None:
        """Give each test such an account."""
        self.storage = Counting()
        self.world = World(self.storage)
        self.world.server.logged_in(JULIET.full).send("<presence/>")

    def test_publishing_the_only_item(self) -> None:
        """XEP-0163 3: an event in place of the one before, by its owner."""
        world = self.world
        for number in range(3):
            self.storage.reads.clear()
            world.now(world.publishing.publish(world.personal, JULIET, "urn:example:tune", item(str(number))))
        self.assertEqual(self.storage.reads, [])

"""How much waits for each account: what is kept in memory of it."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.offline import usage as usage_module
from xmppd.services.offline.usage import Usages
from xmppd.storage.memory import MemoryStorage
from xmppd.testing.server import now


class TalliesTests(SynchronousTestCase):
    """`Usages`."""

    def test_bound(self) -> None:
        """The usages of so many accounts are kept; those of the others are counted anew."""
        self.patch(usage_module, "REMEMBERED", 3)
        service = Usages(MemoryStorage(), "offline", lambda: 0.0)
        for number in range(5):
            now(service.load(f"u{number}@localhost"))
        self.assertEqual(len(service._known), 3)
        self.assertIsNone(service.get("u0@localhost"))
        self.assertIsNotNone(service.get("u4@localhost"))

"""How much each account's inbox has: what is kept in memory of it."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.timers import Timers
from xmppd.services.inbox import store as store_module
from xmppd.services.inbox.store import Records
from xmppd.storage.memory import MemoryStorage
from xmppd.testing.server import now


class UsageTests(SynchronousTestCase):
    """`Records.usage`."""

    def test_bound(self) -> None:
        """The usages of so many accounts are kept; those of the others are counted anew."""
        self.patch(store_module, "REMEMBERED", 3)
        records = Records(MemoryStorage(), Timers(Clock()), lambda: 0.0)
        for number in range(5):
            now(records.count(f"u{number}@localhost"))
        self.assertEqual(len(records._usages), 3)
        self.assertIsNone(records.usage("u0@localhost"))
        self.assertIsNotNone(records.usage("u4@localhost"))

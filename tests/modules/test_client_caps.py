"""Entity capabilities in presence (XEP-0115): what is remembered of how they are written."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from xmppd.modules import client_caps
from xmppd.testing.server import MemoryServer


class SeenTests(SynchronousTestCase):
    """Presence that has been read once."""

    def setUp(self) -> None:
        """A client."""
        self.patch(client_caps, "MAX_SEEN", 3)
        memory = MemoryServer()
        self.module: Any = memory.server.hosts["localhost"].modules["client_caps"]
        self.client = memory.logged_in("romeo@localhost/orchard")

    def say(self, status: str) -> None:
        """Send presence."""
        caps = "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='n' ver='v'/>"
        self.client.send(f"<presence>{caps}<status>{status}</status></presence>")

    def test_bound(self) -> None:
        """The oldest is forgotten, and long ones are not kept at all."""
        for number in range(5):
            self.say(str(number))
        self.say("x" * client_caps.SEEN_BYTES)
        self.assertEqual(len(self.module._seen), 3)
        self.assertLessEqual(max(map(len, self.module._seen)), client_caps.SEEN_BYTES)

"""Searching for rooms: how often (XEP-0433 4.2.5); what is found is in the dialogues."""

from twisted.trial.unittest import SynchronousTestCase

from tests.modules.muc.test_rooms_and_views import OPTIONS
from xmppd.modules.muc.searching import EACH_A_MINUTE, FORM_TYPE, NS, NS_ERROR
from xmppd.services.rooms.pace import MINUTE_S
from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer

FORM = (
    f"<field var='FORM_TYPE'><value>{FORM_TYPE}</value></field><field var='all'><value>true</value></field>"
)
SEARCH = f"<search xmlns='{NS}'><x xmlns='jabber:x:data' type='submit'>{FORM}</x></search>"


class SearchingTests(SynchronousTestCase):
    """A search goes over all public rooms, so that nobody may search without end."""

    def setUp(self) -> None:
        """Two who search."""
        self.server = MemoryServer(OPTIONS)

    def search(self, client: Client) -> str | None:
        """Search; give the type of the answer."""
        client.send(f"<iq type='get' id='s' to='rooms.localhost'>{SEARCH}</iq>")
        self.server.settle()
        return client.inbox[-1].get("type")

    def test_too_often(self) -> None:
        """So often a minute each, and then told when to try again."""
        ann, bob = (self.server.logged_in(f"{name}@localhost/1") for name in ("ann", "bob"))
        self.assertEqual({self.search(ann) for _ in range(EACH_A_MINUTE)}, {"result"})
        self.assertEqual(self.search(ann), "error")
        limit = ann.inbox[-1].find(f".//{{{NS_ERROR}}}rate-limit")
        assert limit is not None
        self.assertEqual(limit.get("retry-after"), str(int(MINUTE_S)))
        self.assertEqual(self.search(bob), "result")
        self.server.pass_time(MINUTE_S)
        self.assertEqual(self.search(ann), "result")

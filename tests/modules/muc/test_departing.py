"""Accounts that are removed have no affiliations any more."""

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from tests.modules.muc.test_rooms_and_views import OPTIONS, ROOM, admin, join
from xmppd.services.rooms.rooms import Rooms
from xmppd.stanza.jid import JID
from xmppd.testing.server import MemoryServer, now

ANN = JID.parse("ann@localhost")


class DepartingTests(SynchronousTestCase):
    """Who has the name next is nobody's member, admin or owner."""

    def setUp(self) -> None:
        """A room with an owner, in which somebody has been given something."""
        self.server = MemoryServer(OPTIONS)
        self.owner = self.server.logged_in("owner@localhost/1")
        self.ann = self.server.logged_in("ann@localhost/1")
        self.owner.send(join("one"))
        self.server.settle()
        self.rooms = self.server.server.services[Rooms]

    def affiliate(self, affiliation: str) -> None:
        """Give it."""
        self.owner.send(admin(f"<item jid='{ANN.bare}' affiliation='{affiliation}'/>"))
        self.server.settle()

    def remove(self, jid: JID) -> None:
        """Remove an account."""
        now(self.server.server.accounts.remove(jid))
        self.server.settle()

    def test_members(self) -> None:
        """Whatever it was, it is no more, in the room that is there and in the one that is stored."""
        for affiliation in ("member", "admin", "owner"):
            with self.subTest(affiliation):
                self.affiliate(affiliation)
                self.assertIn(ANN.bare, self.rooms.loaded[ROOM.bare].affiliations)
                self.remove(ANN)
                self.assertNotIn(ANN.bare, self.rooms.loaded[ROOM.bare].affiliations)
                self.rooms.let_go(self.rooms.loaded[ROOM.bare])
                room = now(self.rooms.open(ROOM))
                assert room is not None
                self.assertNotIn(ANN.bare, room.affiliations)
                self.setUp()

    def test_outcasts(self) -> None:
        """A ban outlasts the account."""
        self.affiliate("outcast")
        self.remove(ANN)
        self.assertIn(ANN.bare, self.rooms.loaded[ROOM.bare].affiliations)

    def test_the_last_owner(self) -> None:
        """A room has an owner; that this one is no more is said in the log."""
        with capturedLogs() as captured:
            self.remove(JID.parse("owner@localhost"))
        room = now(self.rooms.open(ROOM))
        assert room is not None
        self.assertEqual(room.owners, ["owner@localhost"])
        self.assertIn(ROOM.bare, [event.get("room") for event in captured])

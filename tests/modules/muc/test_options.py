"""What a service's options mean for new rooms."""

from twisted.trial.unittest import SynchronousTestCase

from tests.modules.muc.test_rooms_and_views import OPTIONS, ROOM, join
from xmppd.services.rooms.rooms import Rooms
from xmppd.services.rooms.settings import RoomSettings
from xmppd.testing.server import MemoryServer


class NewRoomTests(SynchronousTestCase):
    """Settings of a room that somebody has just made."""

    def made(self, options: str) -> RoomSettings:
        """Give those of a room that is made by entering it."""
        server = MemoryServer(OPTIONS + options)
        server.logged_in("owner@localhost/1").send(join("one"))
        server.settle()
        return server.server.services[Rooms].loaded[ROOM.bare].settings

    def test_archive(self) -> None:
        """Rooms keep an archive unless the service says otherwise; an owner may turn it on and off."""
        self.assertTrue(self.made("").is_archived)
        self.assertFalse(self.made("archive = false\n").is_archived)

    def test_the_others(self) -> None:
        """The options for new rooms are their settings."""
        settings = self.made("public = false\nhistory = 7\n")
        self.assertEqual((settings.is_public, settings.history, settings.is_persistent), (False, 7, True))

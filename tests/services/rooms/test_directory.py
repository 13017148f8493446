"""Searching for public rooms."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.rooms.directory import (
    FRESH_S,
    Channel,
    Directory,
    Place,
    Wanted,
    by_address,
    by_occupants,
    page_of,
)
from xmppd.services.rooms.rooms import Rooms
from xmppd.services.rooms.settings import RoomSettings
from xmppd.services.rooms.store import Listed
from xmppd.stanza.jid import JID
from xmppd.testing.server import MemoryServer, now

SERVICE = "rooms.localhost"


async def no_pause() -> None:
    """Nobody else is there."""


def channel(name: str, occupants: int) -> Channel:
    """Make a room as it is found."""
    return Channel(f"{name}@{SERVICE}", Listed(name), occupants, (name, "", ""))


class DirectoryTests(SynchronousTestCase):
    """`Directory`."""

    def setUp(self) -> None:
        """Two public rooms and a hidden one."""
        self.server = MemoryServer('[components."rooms.localhost"]\nmodule = "muc"')
        self.rooms = self.server.server.services[Rooms]
        self.at = 0.0
        self.directory = Directory(self.rooms, SERVICE, lambda: self.at, no_pause)
        self.make("coven", RoomSettings(name="A Dark Cave", description="Toil and trouble"))
        self.make("heath", RoomSettings(name="Blasted"))
        self.make("cell", RoomSettings(name="A Dark Cell", is_public=False))

    def make(self, name: str, settings: RoomSettings) -> None:
        """Make a room."""
        now(self.rooms.create(JID(name, SERVICE, None), "crone@localhost", settings, is_locked=False))

    def found(self, *words: str, places: tuple[Place, ...] = tuple(Place)) -> list[str]:
        """Search."""
        search = Deferred.fromCoroutine(self.directory.search(Wanted(words, places)))
        return [each.listed.name for each in self.successResultOf(search)]

    def test_words(self) -> None:
        """All words, each anywhere in the places that are wanted; hidden rooms never."""
        self.assertEqual(self.found(), ["coven", "heath"])
        self.assertEqual(self.found("dark"), ["coven"])
        self.assertEqual(self.found("dark", "toil"), ["coven"])
        self.assertEqual(self.found("dark", "blasted"), [])
        self.assertEqual(self.found("toil", places=(Place.NAME, Place.ADDRESS)), [])
        self.assertEqual(self.found("heath", places=(Place.ADDRESS,)), ["heath"])

    def test_fresh(self) -> None:
        """What is new is found after a while."""
        self.found()
        self.make("moor", RoomSettings(name="Moor"))
        self.assertEqual(self.found("moor"), [])
        self.at = FRESH_S
        self.assertEqual(self.found("moor"), ["moor"])


class PageTests(SynchronousTestCase):
    """`page_of`: forwards and backwards, each room once, in either order."""

    def test_pages(self) -> None:
        """Whatever the size of a page, all pages together are all there is."""
        channels = [
            channel(name, occupants) for name, occupants in zip("abcdefg", (1, 5, 1, 0, 9, 5, 2), strict=True)
        ]
        for order in (by_address, by_occupants):
            ordered = sorted(channels, key=order)
            for size in (1, 2, 3, 7):
                forwards: list[Channel] = []
                backwards: list[Channel] = []
                after = before = None
                while page := page_of(ordered, order, after, None, size):
                    forwards += page
                    after = order(page[-1])
                before = (99, "")
                while page := page_of(ordered, order, None, before, size):
                    backwards = [*page, *backwards]
                    before = order(page[0])
                self.assertEqual((forwards, backwards), (ordered, ordered), (order, size))

"""Rooms that nobody is in: they leave memory, and come back when somebody asks for them, with no difference."""

import itertools
from dataclasses import replace

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.modules.muc.test_rooms_and_views import as_kept
from xmppd.core.timers import Timers
from xmppd.services.rooms.occupants import Occupant
from xmppd.services.rooms.roles import Affiliation, Role
from xmppd.services.rooms.room import Affiliated
from xmppd.services.rooms.rooms import Rooms
from xmppd.services.rooms.settings import RoomSettings
from xmppd.services.rooms.sweeping import EVERY_S, Sweeping
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.memory import MemoryStorage
from xmppd.testing.server import START, now

SERVICE = "rooms.localhost"
MANY, IDLE_S = 10_000, 3_600.0


class ByDemandTests(SynchronousTestCase):
    """10,000 rooms of one service."""

    def test_they_leave_and_come_back(self) -> None:
        """All are loaded by demand, leave memory an hour after they were used, and are what they were."""
        clock, numbers = Clock(), itertools.count()
        rooms = Rooms(
            MemoryStorage(), lambda: START + clock.seconds(), lambda size: f"{next(numbers):0{size}}"
        )
        sweeping = Sweeping(rooms, Timers(clock), SERVICE, IDLE_S, lambda room: self.fail("it is to stay"))
        self.addCleanup(sweeping.stop)
        addresses = [JID.parse(f"room{number}@{SERVICE}") for number in range(MANY)]
        settings = RoomSettings(is_persistent=True)
        kept = {}
        for number, address in enumerate(addresses):
            own = replace(settings, name=f"Room {number}", is_moderated=bool(number % 2))
            room = now(rooms.create(address, f"owner{number % 7}@localhost", own, is_locked=False))
            now(
                rooms.affiliate(
                    room, [(f"m{number}@localhost", Affiliated(Affiliation.MEMBER, f"nick{number}"))]
                )
            )
            kept[address] = as_kept(room)
        used = rooms.loaded[addresses[0].bare]
        presence = Stanza.make("presence", from_="owner0@localhost/1")
        used.enter(
            Occupant(used.address.bare, "one", "owner0@localhost/1", Role.MODERATOR, 0.0), "o@x/1", presence
        )
        clock.pump([EVERY_S] * int(IDLE_S / EVERY_S + 1))
        self.assertEqual(list(rooms.loaded.values()), [used])
        for address, before in kept.items():
            self.assertEqual(as_kept(now(rooms.open(address))), before)
        self.assertEqual(len(rooms.loaded), MANY)
        clock.pump([EVERY_S] * int(IDLE_S / EVERY_S + 1))
        self.assertEqual(list(rooms.loaded.values()), [used])

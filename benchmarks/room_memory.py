"""What a room and an occupant take in memory: ``python -m benchmarks.room_memory``.

In this process, by tracemalloc: rooms that nobody is in, as they come back from the storage, without anything said and
with the twenty messages that who enters is shown; and occupants of one room, with a presence of usual size and without
their sessions. What is told is bytes for each of many.
"""

import argparse
import gc
import itertools
import tracemalloc
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from xmppd.services.rooms.occupants import Occupant
from xmppd.services.rooms.roles import Role
from xmppd.services.rooms.room import Said
from xmppd.services.rooms.rooms import Rooms
from xmppd.services.rooms.settings import RoomSettings
from xmppd.services.rooms.store import archive_change
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.memory import MemoryStorage

SERVICE = "rooms.localhost"
SAID = 20
CAPS = (
    "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://example.org/client' ver='{:027}='/>"
    "<idle xmlns='urn:xmpp:idle:1' since='2030-01-01T00:00:00Z'/>"
)


def rooms(count: int, said: int) -> float:
    """Give the bytes of a room in which so much was said, and which nobody is in."""
    storage, numbers = MemoryStorage(), itertools.count()
    all_rooms = Rooms(storage, lambda: 1.8e9, lambda size: f"{next(numbers):0{size}}")
    addresses = [JID.parse(f"room{number}@{SERVICE}") for number in range(count)]
    for address in addresses:
        _now(all_rooms.create(address, "owner@localhost", RoomSettings(is_persistent=True), is_locked=False))
        room = all_rooms.loaded[address.bare]
        _now(storage.commit(*(archive_change(address, _said(all_rooms, address)) for _ in range(said))))
        all_rooms.let_go(room)
        del room

    def load() -> None:
        for address in addresses:
            _now(all_rooms.open(address))

    return _bytes(load) / count


def occupants(count: int) -> float:
    """Give the bytes of an occupant."""
    numbers = itertools.count()
    all_rooms = Rooms(MemoryStorage(), lambda: 1.8e9, lambda size: f"{next(numbers):0{size}}")
    address = JID.parse(f"room@{SERVICE}")
    _now(all_rooms.create(address, "owner@localhost", RoomSettings(is_persistent=True), is_locked=False))
    room = all_rooms.loaded[address.bare]
    jids = [f"user{number}@localhost/phone" for number in range(count)]

    def enter() -> None:
        for number, jid in enumerate(jids):
            occupant = Occupant(address.bare, f"user{number}", jid, Role.PARTICIPANT, 1.8e9)
            id = room.occupant_id(occupant.bare_jid)
            occupant.id_xml = f"<occupant-id xmlns='urn:xmpp:occupant-id:0' id='{id}'/>".encode()
            room.enter(occupant, jid, Stanza.make("presence", CAPS.format(number).encode(), from_=jid))
            room.stand(occupant, Role.PARTICIPANT, is_seen=True)

    return _bytes(enter) / count


def _said(all_rooms: Rooms, address: JID) -> Said:
    body = b"<body>%b</body>" % (b"x" * 100)
    stanza = Stanza.make("message", body, from_=f"{address.bare}/owner", id="0123456789", type="groupchat")
    return Said(all_rooms.next_id(), all_rooms.now(), stanza, "owner@localhost/phone")


def _bytes(what: Callable[[], None]) -> int:
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    what()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return after - before


def _now(done: Deferred[Any]) -> Any:
    """Give what a Deferred that has fired has."""
    found: list[Any] = []
    done.addCallback(found.append)
    return found[0]


def main() -> None:
    """Print three lines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.room_memory", description=__doc__)
    parser.add_argument("--count", type=int, default=5_000)
    count = parser.parse_args().count
    print(f"a room that nobody is in, nothing said: {rooms(count, 0):,.0f} bytes")
    print(f"the same with {SAID} messages: {rooms(count // 5, SAID):,.0f} bytes")
    print(f"an occupant: {occupants(count):,.0f} bytes")


if __name__ == "__main__":
    main()

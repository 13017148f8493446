"""The public rooms of a service as one can search for them (XEP-0433): who has which words, in which order.

A search goes over what was so at most `FRESH_S` ago, so that many searches cost the store no more than one. It takes
turns with others (`SLICE`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Final, NamedTuple

from xmppd.services.rooms.rooms import Rooms
from xmppd.services.rooms.store import Listed
from xmppd.storage.interface import MAX_PAGE

FRESH_S: Final = 60.0
MAX_CHANNELS: Final = 20_000
"""Of more public rooms the first are searched, by address."""
SLICE: Final = 1_000


class Place(Enum):
    """Where a word may stand."""

    ADDRESS = 0
    NAME = 1
    DESCRIPTION = 2


class Channel(NamedTuple):
    """What a search tells of a room."""

    address: str
    listed: Listed
    occupants: int
    texts: tuple[str, str, str]
    """Address, name and description in lower case."""


class Wanted(NamedTuple):
    """What is searched for: each of the words in one of the places."""

    words: tuple[str, ...] = ()
    places: tuple[Place, ...] = tuple(Place)
    least_occupants: int = 0


class Directory:
    """The public rooms of one service."""

    def __init__(
        self,
        rooms: Rooms,
        service: str,
        seconds: Callable[[], float],
        pause: Callable[[], Awaitable[None]],
    ):
        """*seconds* is a clock that does not go back; *pause* lets others have their turn."""
        self._rooms = rooms
        self._service = service
        self._seconds = seconds
        self._pause = pause
        self._channels: list[Channel] = []
        self._fresh_until = -1.0

    async def search(self, wanted: Wanted) -> list[Channel]:
        """Give the rooms with all that is *wanted*, by address. Waits for the storage; `StorageError`."""
        found: list[Channel] = []
        channels = await self._all()
        for start in range(0, len(channels), SLICE):
            if start:
                await self._pause()
            found += (each for each in channels[start : start + SLICE] if _fits(each, wanted))
        return found

    async def _all(self) -> list[Channel]:
        if self._seconds() >= self._fresh_until:
            self._channels = await self._read()
            self._fresh_until = self._seconds() + FRESH_S
        return self._channels

    async def _read(self) -> list[Channel]:
        channels: list[Channel] = []
        last: str | None = None
        while len(channels) < MAX_CHANNELS:
            page = await self._rooms.listed(self._service, last, limit=MAX_PAGE)
            channels += (self._channel(each) for each in page.rooms if each.is_public)
            last = page.last
            if last is None:
                break
        return sorted(channels[:MAX_CHANNELS], key=by_address)

    def _channel(self, listed: Listed) -> Channel:
        address = f"{listed.name}@{self._service}"
        room = self._rooms.loaded.get(address)
        texts = (address.casefold(), listed.title.casefold(), listed.description.casefold())
        return Channel(address, listed, len(room.occupants) if room is not None else 0, texts)


Key = tuple[int, str]


def by_address(channel: Channel) -> Key:
    """Order by address."""
    return 0, channel.address


def by_occupants(channel: Channel) -> Key:
    """Order by how many are there, most first; then by address."""
    return -channel.occupants, channel.address


def page_of(
    ordered: Sequence[Channel],
    order: Callable[[Channel], Key],
    after: Key | None,
    before: Key | None,
    size: int,
) -> Sequence[Channel]:
    """Give so many of what is *ordered* behind *after*, or the last ones before *before* where that is given."""
    start = 0 if after is None else bisect_right(ordered, after, key=order)
    end = len(ordered) if before is None else bisect_left(ordered, before, key=order)
    found = ordered[start:end]
    return found[:size] if before is None else found[max(0, len(found) - size) :]


def _fits(channel: Channel, wanted: Wanted) -> bool:
    if channel.occupants < wanted.least_occupants:
        return False
    texts = [channel.texts[place.value] for place in wanted.places]
    return all(any(word in text for text in texts) for word in wanted.words)

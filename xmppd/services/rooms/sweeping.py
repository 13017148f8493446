"""Rooms that nobody is in leave memory after a while; temporary ones that a restart has left over end.

A temporary room whose occupants were all there when the server stopped is stored, so that those who come back find it
as it was: its password, its members, its bans. Where nobody has come back after `LEFT_OVER_S`, it ends.
"""

from collections.abc import Callable
from typing import Final

from xmppd.core.timers import Timer, Timers
from xmppd.core.waiting import spawn
from xmppd.services.rooms.room import Room
from xmppd.services.rooms.rooms import Rooms
from xmppd.stanza.jid import JID

EVERY_S: Final = 300.0
LEFT_OVER_S: Final = 3_600.0
PAUSE_S: Final = 0.05
PAGE: Final = 100


class Sweeping:
    """Goes over the rooms of a service from time to time."""

    def __init__(
        self, rooms: Rooms, timers: Timers, service: str, idle_s: float, emptied: Callable[[Room], None]
    ):
        """*emptied* ends a temporary room that nobody is in."""
        self._rooms = rooms
        self._timers = timers
        self._service = service
        self._idle_s = idle_s
        self._emptied = emptied
        self._running = [timers.add(EVERY_S, self._due), timers.add(LEFT_OVER_S, self._end_left_over)]

    def stop(self) -> None:
        """Sweep no more."""
        for timer in self._running:
            self._timers.stop(timer)
        self._running.clear()

    def sweep(self) -> None:
        """Let go of all that have been idle for so long."""
        until = self._rooms.now() - self._idle_s
        for room in self._rooms.of_service(self._service):
            if room.occupants or room.is_closing or room.lock.locked or room.idle_since > until:
                continue
            if room.is_staying:
                self._rooms.let_go(room)
            else:
                self._emptied(room)

    def _due(self, now: float, timer: Timer, param: object) -> float:
        self.sweep()
        return EVERY_S

    def _end_left_over(self, now: float, timer: Timer, param: object) -> None:
        spawn("ending temporary rooms that a restart has left over", self._left_over())

    async def _left_over(self) -> None:
        last: str | None = None
        while self._running:
            page = await self._rooms.listed(self._service, last, limit=PAGE)
            for each in page.rooms:
                if not each.is_persistent:
                    room = await self._rooms.open(JID(each.name, self._service, None))
                    if room is not None and not room.occupants:
                        self._emptied(room)
            last = page.last
            if last is None:
                return
            await self._timers.wait(PAUSE_S)

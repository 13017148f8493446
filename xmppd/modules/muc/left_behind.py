"""After a crash, who is of another server and was in a room is told that it is there no more (XEP-0045 12.2)."""

from typing import Final

from twisted.logger import Logger

from xmppd.core.timers import Timer
from xmppd.core.waiting import spawn
from xmppd.modules.muc.parts import MucParts
from xmppd.modules.muc.view import SELF, SHUT_DOWN, item_xml, user_xml
from xmppd.services.rooms.roles import Affiliation, Role
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import StorageError

TELL_AFTER_S: Final = 1.0
"""After the start, once there are connections to other servers."""
RETRY_S: Final = 30.0
"""So long the next attempt waits when the storage has broken off."""


class LeftBehind:
    """Tells them once, soon after the start."""

    _log = Logger()

    def __init__(self, parts: MucParts):
        self._parts = parts
        self._timer: Timer | None = parts.api.timers.add(TELL_AFTER_S, self._due)

    def stop(self) -> None:
        """Tell nobody any more."""
        self._parts.api.timers.stop(self._timer)
        self._timer = None

    def _due(self, now: float, timer: Timer, param: object) -> None:
        spawn("telling who was in a room", self._tell())

    async def _tell(self) -> None:
        try:
            left = await self._parts.rooms.left_behind(self._parts.host.name)
        except StorageError as error:
            if self._timer is not None:
                self._log.warn("Who was in a room before the start is told later: {error}", error=str(error))
                self._timer = self._parts.api.timers.add(RETRY_S, self._due)
            return
        x = user_xml(item_xml(Affiliation.NONE, Role.NONE), (SELF, SHUT_DOWN))
        for room, full_jid, nick in left:
            gone = Stanza.make("presence", x, from_=f"{room}/{nick}", to=full_jid, type="unavailable")
            self._parts.router.route(gone)

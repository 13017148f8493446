"""What is done about invitations by itself: at the start, and every hour."""

from typing import Final

from twisted.logger import Logger

from xmppd.core.host import Hosts
from xmppd.core.timers import Timer, Timers
from xmppd.core.waiting import deferred, spawn
from xmppd.services.invitations.introducing import Introducing
from xmppd.services.invitations.invitations import Invitations
from xmppd.storage.interface import StorageError

EVERY_S: Final = 3_600.0


class InvitationUpkeep:
    """Finishes what the last run has begun, and removes what is long expired."""

    _log = Logger()

    def __init__(self, invitations: Invitations, introducing: Introducing, hosts: Hosts, timers: Timers):
        self._invitations = invitations
        self._introducing = introducing
        self._hosts = hosts
        self._timers = timers

    def start(self) -> None:
        """Begin, once all accounts are known."""
        spawn("introductions", self._introducing.resume())
        spawn("invitations", self.sweep())
        self._timers.add(EVERY_S, self._due)

    @deferred
    async def sweep(self) -> None:
        """Go over the invitations of all hosts."""
        try:
            for host in self._hosts.of_accounts:
                await self._invitations.load(host.name)
        except StorageError as error:
            self._log.error("Expired invitations are not removed yet: {error}", error=str(error))

    def _due(self, now: float, timer: Timer, param: object) -> float:
        spawn("invitations", self.sweep())
        return EVERY_S

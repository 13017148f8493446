"""What a component with a queue has read: all that stands before a ping that it has answered (XEP-0199).

XEP-0114 has no acknowledgements, and what the kernel has taken is lost with a process that is killed before it reads.
But whoever gets stanzas in order and answers one has read those before it, whatever the answer says. A component that
answers no pings has read, for all we know, what has left for its socket.
"""

from collections.abc import Callable
from typing import Final, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.core.timers import Timers
from xmppd.core.waiting import deferred, spawn
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.stanza import Stanza

ASK_S: Final = 0.2
"""After a ping was answered, what is written waits so long for others before the next one asks for all of it."""
PACE_S: Final = 0.05
UNANSWERED: Final = ("remote-server-timeout", "resource-constraint")
"""What a request of ours fails with where nobody has answered it; all else is an answer."""


class Taker(Protocol):
    """A component's stream, as far as messages are given to it."""

    @property
    def unsent_bytes(self) -> int:
        """How much of what was sent has not left yet."""

    def send(self, x: Stanza) -> bool:
        """Write a stanza; False where the stream has ended."""


class Reading:
    """One connection of a component, and what was written there and may not be read yet."""

    _log = Logger()

    def __init__(
        self,
        taker: Taker,
        is_there: Callable[[], bool],
        ask: Callable[[], Deferred[Stanza]],
        read: Callable[[list[str]], None],
        timers: Timers,
    ):
        """*ask* sends a ping; *read* is told the ids of messages that are read."""
        self.taker = taker
        self.is_there = is_there
        """Whether it is connected still."""
        self._ask = ask
        self._read = read
        self._timers = timers
        self._written: list[str] = []
        self._is_following = False
        self._is_mute = False
        """Whether it answers no pings."""

    def write(self, id: str, stanza: Stanza) -> None:
        """Send a message; under *id* it is told when it is read."""
        self.taker.send(stanza)
        self._written.append(id)
        if not self._is_following:
            self._is_following = True
            spawn("what a component has read", self._follow())

    @deferred
    async def heard(self) -> None:
        """Fires when all that was sent until now is read, or the component is gone."""
        while self.is_there() and not self._is_mute:
            try:
                await self._ask()
            except StanzaError as error:
                if error.condition in UNANSWERED:
                    self._unanswered(error.condition)
                    await self._timers.wait(ASK_S)
                    continue
            return
        await self._timers.wait()
        while self.is_there() and self.taker.unsent_bytes:
            await self._timers.wait(PACE_S)

    def _unanswered(self, condition: str) -> None:
        """It has got the ping and says nothing, or it reads slowly."""
        if condition != UNANSWERED[0] or self.taker.unsent_bytes or not self.is_there():
            return
        self._is_mute = True
        self._log.warn("A component answers no pings: what it has not read is lost if it is killed")

    async def _follow(self) -> None:
        pause_s = 0.0
        while self._written and self.is_there():
            await self._timers.wait(pause_s)
            pause_s = ASK_S
            ids, self._written = self._written, []
            await self.heard()
            if self.is_there():  # else nobody knows, and they are given again
                self._read(ids)
        self._is_following = False

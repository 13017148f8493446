"""Which connections belong together, and when bytes may flow between them (XEP-0065 5.2).

Rules that live here: both parties come with the same key, the hash of stream, requester and target; nothing flows
before the requester has asked for it over XMPP, whose address the server vouches for, so that nobody else can; a third
who comes with the key ends the whole. Who is not joined in time is sent away.
"""

from dataclasses import dataclass, field
from hashlib import sha1
from typing import Final, Protocol

from xmppd.core.timers import Timer, Timers

KEY_CHARS: Final = 40
PARTIES: Final = 2


class Half(Protocol):
    """The connection of one party."""

    def join(self, other: "Half", options: "Relaying") -> None:
        """Let bytes flow to *other* from now on."""

    def close(self) -> None:
        """End the connection."""


@dataclass(frozen=True, slots=True)
class Relaying:
    """What holds for a relayed stream."""

    bytes_per_s: int
    """For each direction; 0 is no limit."""
    idle_s: float
    """A stream in which nothing moves for so long ends."""
    wait_s: float
    """Who is not joined after so long is sent away."""
    streams: int
    """So many at the same time, those that wait among them."""


class NotConnected(Exception):
    """Both parties have to be connected; `parties` are."""

    def __init__(self, parties: int) -> None:
        super().__init__(f"{parties} of {PARTIES} are connected")
        self.parties = parties


@dataclass(slots=True)
class _Waiting:
    """Those who have come with one key."""

    timer: Timer
    halves: list[Half] = field(default_factory=list)


def key_of(sid: str, requester: str, target: str) -> str:
    """Give what both parties name in place of an address (5.2.3): addresses are prepared."""
    return sha1(f"{sid}{requester}{target}".encode()).hexdigest()


class Bytestreams:
    """All streams that are relayed, and those who wait for one."""

    def __init__(self, timers: Timers):
        self._timers = timers
        self._waiting: dict[str, _Waiting] = {}
        self._joined: dict[Half, Half] = {}
        self._relaying: Relaying | None = None
        self.port: int | None = None
        """Where the proxy listens; None where it does not."""

    @property
    def streams(self) -> int:
        """How many there are, those that wait among them."""
        return len(self._waiting) + len(self._joined) // PARTIES

    def serve(self, relaying: Relaying | None) -> None:
        """Take connections from now on, as a service says; None: no more, and those that there are end."""
        self._relaying = relaying
        if relaying is None:
            for key in [*self._waiting]:
                self._end(key)
            for half in [*self._joined]:
                half.close()

    def came(self, key: str, half: Half) -> bool:
        """Somebody comes with a key; whether they may wait. A third ends all who came with it."""
        relaying = self._relaying
        if relaying is None:
            return False
        waiting = self._waiting.get(key)
        if waiting is None:
            if self.streams >= relaying.streams:
                return False
            waiting = _Waiting(self._timers.add(relaying.wait_s, self._too_late, key))
            self._waiting[key] = waiting
        if len(waiting.halves) >= PARTIES:
            self._end(key)
            return False
        waiting.halves.append(half)
        return True

    def activate(self, sid: str, requester: str, target: str) -> None:
        """Let bytes flow between the two who came for this stream; `NotConnected`."""
        key = key_of(sid, requester, target)
        waiting = self._waiting.get(key)
        parties = 0 if waiting is None else len(waiting.halves)
        if waiting is None or parties < PARTIES or self._relaying is None:
            raise NotConnected(parties)
        self._timers.stop(waiting.timer)
        del self._waiting[key]
        one, other = waiting.halves
        self._joined |= {one: other, other: one}
        one.join(other, self._relaying)
        other.join(one, self._relaying)

    def gone(self, key: str, half: Half) -> None:
        """A connection is lost: so is the other one, once it has sent what it was given."""
        other = self._joined.pop(half, None)
        if other is not None:
            self._joined.pop(other, None)
            other.close()
            return
        waiting = self._waiting.get(key)
        if waiting is not None and half in waiting.halves:
            waiting.halves.remove(half)
            if not waiting.halves:
                self._timers.stop(waiting.timer)
                del self._waiting[key]

    def _too_late(self, now: float, timer: Timer, key: str) -> None:
        self._end(key)

    def _end(self, key: str) -> None:
        waiting = self._waiting.pop(key)
        self._timers.stop(waiting.timer)
        for half in waiting.halves:
            half.close()

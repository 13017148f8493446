"""Who of other servers is in which rooms of a service, and when they were heard last.

Rules that live here: a client is one entry, however many rooms it is in; the entry goes with the last of them. Whoever
is silent for so long is to be asked, the longest silent first, and only so many at a time.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter


class _Remote:
    __slots__ = ("heard_at", "is_asked", "rooms")

    def __init__(self) -> None:
        self.heard_at = 0.0
        self.is_asked = False
        self.rooms: set[str] = set()
        """By bare JID."""


class Remotes:
    """The occupants of other servers, by full JID."""

    def __init__(self, seconds: Callable[[], float], most_asked: int):
        """*seconds* is the clock; *most_asked* may be asked at the same time."""
        self.seconds = seconds
        self._most_asked = most_asked
        self._remotes: dict[str, _Remote] = {}
        self._asked = 0

    def __len__(self) -> int:
        """How many there are."""
        return len(self._remotes)

    def entered(self, full_jid: str, room: str) -> None:
        """Somebody is in a room (a bare JID) from now on."""
        remote = self._remotes.get(full_jid)
        if remote is None:
            remote = self._remotes[full_jid] = _Remote()
        remote.heard_at = self.seconds()
        remote.rooms.add(room)

    def left(self, full_jid: str, room: str) -> None:
        """Somebody is in a room no more."""
        remote = self._remotes.get(full_jid)
        if remote is None:
            return
        remote.rooms.discard(room)
        if not remote.rooms:
            del self._remotes[full_jid]

    def heard(self, full_jid: str) -> None:
        """Something came from there, if it is one of them."""
        remote = self._remotes.get(full_jid)
        if remote is not None:
            remote.heard_at = self.seconds()

    def is_silent_since(self, full_jid: str, at: float) -> bool:
        """Whether one of them has not been heard since *at*."""
        remote = self._remotes.get(full_jid)
        return remote is not None and remote.heard_at <= at

    def rooms_of(self, full_jid: str) -> Sequence[str]:
        """Give the rooms that somebody is in, by bare JID."""
        remote = self._remotes.get(full_jid)
        return tuple(remote.rooms) if remote is not None else ()

    def ask(self, full_jid: str) -> bool:
        """Whether somebody is to be asked now: it is one of them, not asked yet, and there are not too many asked."""
        remote = self._remotes.get(full_jid)
        if remote is None or remote.is_asked or self._asked >= self._most_asked:
            return False
        remote.is_asked = True
        self._asked += 1
        return True

    def answered(self, full_jid: str) -> None:
        """The question has its answer, or has none."""
        self._asked -= 1
        remote = self._remotes.get(full_jid)
        if remote is not None:
            remote.is_asked = False

    def silent(self, silent_s: float) -> list[str]:
        """Give who has been silent for so long and can be asked now, the longest silent first."""
        until, free = self.seconds() - silent_s, self._most_asked - self._asked
        if free <= 0:
            return []
        found = [
            (remote.heard_at, jid)
            for jid, remote in self._remotes.items()
            if remote.heard_at <= until and not remote.is_asked
        ]
        return [jid for _, jid in sorted(found, key=itemgetter(0))[:free]]

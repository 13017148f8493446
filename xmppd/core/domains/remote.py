"""All domains of others (RFC 6120 10.4): whoever reaches other servers has a door here.

Doors are asked in the order in which they were opened; where none takes a stanza, its sender hears
remote-server-not-found.
"""

from functools import partial

from twisted.internet.defer import Deferred

from xmppd.core.domains.door import Door
from xmppd.core.events import Traffic
from xmppd.core.replies import Replies
from xmppd.core.waiting import Waiting
from xmppd.stanza.errors import StanzaError


class RemoteDomain:
    """The way to every domain that is not configured here."""

    __slots__ = ("_doors", "_replies")

    def __init__(self, replies: Replies):
        self._replies = replies
        self._doors: tuple[Door, ...] = ()

    def open(self, door: Door) -> None:
        """Ask *door* too from now on, behind those that are open."""
        self._doors = (*self._doors, door)

    def close(self, door: Door) -> None:
        """Ask *door* no more; harmless where it is not open."""
        self._doors = tuple(other for other in self._doors if other is not door)

    def deliver(self, traffic: Traffic) -> Waiting:
        """Send a stanza on its way; see `Domain`."""
        doors = self._doors
        if not doors:
            return self._try(doors, traffic)
        taken = doors[0].take(traffic)
        if taken is True:  # as nearly always
            return None
        go_on = partial(self._try, doors[1:])
        return self._replies.after(taken, traffic, go_on) if isinstance(taken, Deferred) else go_on(traffic)

    def _try(self, doors: tuple[Door, ...], traffic: Traffic) -> Waiting:
        if not doors:
            raise StanzaError("remote-server-not-found")
        return self._replies.give(doors[0], traffic, partial(self._try, doors[1:]))

"""What a room has passed on for somebody, and whom an error that comes back is told: XEP-0045 7.5, 7.8.2.

A room's copies of what is said to all come back to the same addresses; nobody is told of those. So it is remembered for
a while who has sent which private message or invitation, and an error that fits none goes no further.
"""

from typing import Final

from xmppd.core.bounded import Bounded
from xmppd.core.events import Traffic
from xmppd.core.router import Router
from xmppd.core.waiting import Waiting
from xmppd.stanza.jid import JID
from xmppd.stanza.ns import CLIENT
from xmppd.stanza.stanza import Stanza

REMEMBERED: Final = 1_000
ERROR: Final = (CLIENT, "error")


class PassedOn:
    """Remembers the latest of a service."""

    def __init__(self, router: Router, limit: int = REMEMBERED):
        """*limit* is how many are remembered."""
        self._router = router
        self._senders: Bounded[tuple[str, str, str], tuple[JID, str]] = Bounded(limit)

    def note(self, traffic: Traffic, stanza: Stanza) -> None:
        """What came by *traffic* is passed on as *stanza*, which has all its addresses."""
        key = (stanza.from_ or "", stanza.to or "", stanza.id or "")
        self._senders.keep(key, (traffic.sender, traffic.target.full))

    def came_back(self, traffic: Traffic) -> Waiting:
        """Tell who has sent it that *traffic*, an error, answers it: from the address that it was sent to; once."""
        error = traffic.stanza
        known = self._senders.pop((traffic.target.full, traffic.sender.full, error.id or ""), None)
        if known is None:
            return None
        sender, address = known
        told = error.without(lambda ns, name, index: (ns, name) != ERROR).replace(
            from_=address, to=sender.full
        )
        return self._router.forward(traffic, told, sender)

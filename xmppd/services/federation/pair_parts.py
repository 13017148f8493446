"""What the pairs of domains work with, the same for all of them."""

from collections.abc import Callable
from dataclasses import dataclass

from xmppd.config.s2s import S2s
from xmppd.core.timers import Timers
from xmppd.services.federation.contacts import RemoteContacts
from xmppd.services.federation.counters import Counters
from xmppd.services.federation.outbound import Open
from xmppd.services.federation.rows import Rows
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.stanza import Stanza


@dataclass(frozen=True, slots=True)
class PairParts:
    """All of it."""

    open: Open
    """Finds a carrier."""
    refuse: Callable[[Stanza, StanzaError], None]
    """Tells the sender of a stanza what has failed."""
    rows: Rows
    timers: Timers
    settings: Callable[[], S2s]
    """Gives the options that hold now."""
    now: Callable[[], float]
    """Gives wall time in seconds since 1970."""
    random: Callable[[], float]
    """Gives numbers from 0 to 1."""
    counters: Counters
    contacts: RemoteContacts

"""The door of a domain: who takes what is addressed to it, in this process or behind a stream.

A service of ours (rooms, uploads), a component on a socket, the connection to other servers: the same door for all.
"""

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred

from xmppd.core.events import Traffic
from xmppd.stanza.jid import JID

Taken = bool | Deferred[bool]


class Door(Protocol):
    """Who takes the stanzas for a domain, or for many."""

    def take(self, traffic: Traffic) -> Taken:
        """Take a stanza; say whether it is dealt with or on its way. False: another, or nobody, may have it.

        May wait before it takes the stanza, never for what the stanza sets off: while it waits, so does the sender's
        next stanza, and nobody else puts an end to that: a door that waits for others (a peer, a disk) says False or
        raises in a time of its own. What must be durable before the stanza is acknowledged goes into `Traffic.changes`;
        what the stanza becomes goes on by `Router.forward`. Raises `StanzaError`, which goes to the sender.
        """


Elsewhere = Callable[[JID], Door | None]
"""Gives the door to where the owner of a JID lives; None where that is this process."""

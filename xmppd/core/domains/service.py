"""A domain without accounts: a service in this process, or a component behind a stream; the same door for both.

======================  =========================================================================
what comes              what happens
======================  =========================================================================
an IQ result or error   to who asked, where the service has asked by `ServiceDomain.request`; else the door
an IQ get or set        its handler for the domain ("host") or for what has a localpart ("node"), else the door
message, presence       the door
what the door leaves    IQ get or set: service-unavailable; message: as to nobody (RFC 6121 8.5.3.2); presence: dropped
======================  =========================================================================

What the service sends leaves by `ServiceDomain.send` of the same object.
"""

from collections.abc import Callable

from twisted.internet.defer import Deferred

from xmppd.core.commits import Routed
from xmppd.core.counters import stanzas
from xmppd.core.delivery import no_taker
from xmppd.core.domains.door import Door
from xmppd.core.events import IQAnswerer, Traffic
from xmppd.core.host import Host
from xmppd.core.inlet import Inlet
from xmppd.core.iq import IQ_ANSWERS, IQ_REQUESTS
from xmppd.core.replies import Replies
from xmppd.core.requests import PendingRequests
from xmppd.core.waiting import Waiting
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.stanza.stanza import Stanza

Sending = Callable[[str, Stanza, Inlet | None], Routed]
"""Routes a stanza of a service's domain."""


class ServiceDomain:
    """The way to a service and from it."""

    __slots__ = ("_door", "_host", "_replies", "_requests", "_send", "received", "sent")

    def __init__(self, host: Host, requests: PendingRequests, replies: Replies, send: Sending):
        """*requests* are the service's own; *send* routes what it sends."""
        self._host = host
        self._requests = requests
        self._replies = replies
        self._send = send
        self._door: Door | None = None
        self.received, self.sent = stanzas(), stanzas()
        """What came for the service and what it sent since the start."""

    # -- for the service ----------------------------------------------------------------------------------------------

    @property
    def door(self) -> Door | None:
        """Who takes what comes; None while the service is not there."""
        return self._door

    def open(self, door: Door) -> Door | None:
        """Let *door* take what comes from now on; gives the one that did so far, to be told that it is replaced."""
        before, self._door = self._door, door
        return before

    def close(self, door: Door) -> None:
        """The service is gone; harmless where another door has taken its place."""
        if self._door is door:
            self._door = None

    def send(self, stanza: Stanza, inlet: Inlet | None = None) -> Routed:
        """Route what the service sends, to anybody here or elsewhere; *inlet* is the stream that it came in by.

        Raises `StreamError` for that stream: improper-addressing where ``from`` or ``to`` is missing or ``from`` is no
        address, invalid-from where that is not in this domain (XEP-0114 3). A ``to`` that is none is answered with
        jid-malformed. What holds of IQs at `Router.from_server` holds here. Without a stream it is a mistake of ours,
        ValueError, and no stream of somebody else's ends by it.
        """
        self.sent[stanza.name] += 1
        try:
            return self._send(self._host.name, stanza, inlet)
        except StreamError as error:
            if inlet is not None:
                raise
            raise ValueError(f"{self._host.name} cannot send {stanza.head()}") from error

    def request(self, stanza: Stanza, timeout_s: float = 30.0) -> Deferred[Stanza]:
        """Send an IQ get or set of the service's own; fires as `Router.request`."""
        answer = self._requests.expect(stanza, timeout_s)
        self.send(stanza)
        return answer

    # -- what comes for it --------------------------------------------------------------------------------------------

    def deliver(self, traffic: Traffic) -> Waiting:
        """Deal with a stanza for this domain; see `Domain`."""
        stanza = traffic.stanza
        self.received[stanza.name] += 1
        if stanza.name == "iq":
            if stanza.type in IQ_ANSWERS:
                if self._requests.answer(traffic.sender, stanza):
                    return None
            else:
                handler = self._handler(traffic)
                if handler is not None:
                    return self._replies.handle(handler, self._host, traffic)
        if self._door is None:
            return self._not_taken(traffic)
        return self._replies.give(self._door, traffic, self._not_taken)

    def _handler(self, traffic: Traffic) -> IQAnswerer | None:
        target, stanza = traffic.target, traffic.stanza
        if target.localpart is not None and target.resourcepart is not None:
            return None
        kind = "host" if target.localpart is None else "node"
        return self._host.iq_handlers.get((stanza.type or "", *stanza.child_names[0], kind))

    def _not_taken(self, traffic: Traffic) -> Waiting:
        if traffic.stanza.name == "message":
            return no_taker(traffic)
        if traffic.stanza.type in IQ_REQUESTS:
            raise StanzaError("service-unavailable")
        return None

"""What requests about nodes are answered with: the services, and the shape of a handler."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from xmppd.core.events import IQRequest
from xmppd.services.pubsub.owning import Owning
from xmppd.services.pubsub.publishing import Publishing
from xmppd.services.pubsub.reading import Reading
from xmppd.services.pubsub.realm import Realm
from xmppd.services.pubsub.subscribing import Subscribing
from xmppd.stanza.element import Element

Answer = Element | bytes | None
Handler = Callable[[Realm, IQRequest, Element], Awaitable[Answer]]
"""Answers a request by the child of ``<pubsub/>`` that says what it is."""
Handlers = dict[tuple[str, str, str], Handler]
"""By namespace, type of the IQ and name of the child."""


class PubSubServices(NamedTuple):
    """The services that requests need."""

    publishing: Publishing
    reading: Reading
    owning: Owning
    subscribing: Subscribing

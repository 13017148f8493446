"""Framers whose stream has begun, and what comes of the next bytes."""

from xmppd.stanza import ns
from xmppd.stanza.errors import StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.stream.events import Event, StreamOpened
from xmppd.stream.framer import Framer
from xmppd.stream.limits import StreamLimits
from xmppd.stream.parser_pool import ParserPool

HEADER = (
    b"<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xml:lang='en' "
    b"xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
)
BODY = (ns.CLIENT, "body")


def opened(
    pool: ParserPool | None = None,
    *,
    header: bytes = HEADER,
    limits: StreamLimits | None = None,
    content_ns: str = ns.CLIENT,
) -> Framer:
    """A framer behind its header that takes all it gets at once."""
    framer = Framer(limits or StreamLimits(), pool, content_ns)
    [event] = framer.feed(header)
    assert isinstance(event, StreamOpened), event
    framer.stepwise = False
    return framer


def one(framer: Framer, data: bytes) -> Event:
    """The only event that *data* gives."""
    [event] = framer.feed(data)
    return event


def stanza(framer: Framer, data: bytes) -> Stanza:
    """The only event that *data* gives, which is a stanza."""
    event = one(framer, data)
    assert isinstance(event, Stanza), event
    return event


def condition(events: list[Event]) -> str | None:
    """The condition of the error that ends *events*."""
    return events[-1].condition if events and isinstance(events[-1], StreamError) else None

"""What a framer makes of bytes: the events of a stream, in the order of the wire (RFC 6120 4)."""

from dataclasses import dataclass

from xmppd.stanza.element import Element
from xmppd.stanza.errors import StreamError
from xmppd.stanza.stanza import Stanza


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """A stream header (RFC 6120 4.7).

    *attrs* are to, from, id, version, xml:lang and whatever else stood there; *default_ns* is the
    default namespace that it declares; *ns* and *name* are those of the root element.
    """

    attrs: dict[str, str]
    default_ns: str
    ns: str
    name: str


@dataclass(frozen=True, slots=True)
class ElementBegun:
    """The start tag of a first-level element that is no stanza, and of which the rest has not come yet.

    The `Element` follows when it is whole; by the name alone it can be refused (RFC 6120 4.9.3.24).
    """

    ns: str
    name: str


@dataclass(frozen=True, slots=True)
class StreamClosed:
    """The end tag of the stream (RFC 6120 4.4)."""


Event = StreamOpened | Stanza | Element | ElementBegun | StreamClosed | StreamError
"""A `Stanza` is a message, presence or iq in the content namespace, an `Element` any other first-level
element; a `StreamError` is what the peer did wrong, and always the last event."""

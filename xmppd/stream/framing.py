"""How a stream's opening and end look on the wire: RFC 6120 4.2 over TCP, RFC 7395 3 over WebSocket."""

from typing import Protocol

from xmppd.stanza import ns
from xmppd.stanza.element import escape_attr
from xmppd.stanza.errors import StreamError

LANG = "en"
"""The language of what the server itself says."""


NS_FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
_STANZAS = tuple((f"<{name}".encode(), len(name) + 1) for name in ("message", "presence", "iq"))
_AFTER_NAME = frozenset(b" \t\r\n/>")
_CONTENT = f" xmlns='{ns.CLIENT}'".encode()
_DECLARED = f" xmlns:stream='{ns.STREAMS}'".encode()


class Framing(Protocol):
    """The bytes around the stanzas of one kind of stream."""

    carrier: str
    """What carries the stream, in a word for who counts them, such as "tcp"."""

    def opening(self, stream_id: str, from_: str | None, to: str | None, lang: str | None) -> bytes:
        """Give the response stream header; *lang* is the one that the peer has asked for."""

    def features(self, content: bytes) -> bytes:
        """Give the stream features around *content*."""

    def error(self, error: StreamError) -> bytes:
        """Give a stream error."""

    def closing(self) -> bytes:
        """Give the end of the stream."""


class TCPFraming:
    """RFC 6120: one long XML document each way; of a client, of a server, or of a component (XEP-0114).

    Streams of servers declare the prefix of dialback (XEP-0220 2.1.1). Those of components have no version, since
    that would promise stream features, and no language.
    """

    carrier = "tcp"

    def __init__(self, content_ns: str = ns.CLIENT):
        namespaces = f"xmlns='{content_ns}' xmlns:stream='{ns.STREAMS}'"
        if content_ns == ns.SERVER:
            namespaces += f" xmlns:db='{ns.DIALBACK}'"
        self._has_version = content_ns != ns.COMPONENT
        version = " version='1.0'" if self._has_version else ""
        self._start = f"<?xml version='1.0'?><stream:stream {namespaces}{version}"

    def opening(self, stream_id: str, from_: str | None, to: str | None, lang: str | None) -> bytes:
        """Give the stream header (RFC 6120 4.7): a response, or without *stream_id* an initial one.

        That one has no language (4.7.4): it would be taken for that of stanzas whose senders have named none.
        """
        told = _told_in(lang) if self._has_version and stream_id else None
        given = (("id", stream_id), ("from", from_), ("to", to), ("xml:lang", told))
        attributes = "".join(f" {name}='{escape_attr(value)}'" for name, value in given if value)
        return f"{self._start}{attributes}>".encode()

    def features(self, content: bytes) -> bytes:
        """Give the stream features (RFC 6120 4.3.2)."""
        return b"<stream:features>" + content + b"</stream:features>"

    def error(self, error: StreamError) -> bytes:
        """Give a stream error (RFC 6120 4.9.1)."""
        return error.to_bytes()

    def closing(self) -> bytes:
        """Give the stream's end tag (RFC 6120 4.4)."""
        return b"</stream:stream>"


class WebSocketFraming:
    """RFC 7395: each message is an element that declares all its namespaces."""

    carrier = "websocket"

    def opening(self, stream_id: str, from_: str | None, to: str | None, lang: str | None) -> bytes:
        """Give ``<open/>`` (3.4)."""
        given = (("id", stream_id), ("from", from_), ("to", to), ("xml:lang", _told_in(lang)))
        attributes = "".join(f" {name}='{escape_attr(value)}'" for name, value in given if value)
        return f"<open xmlns='{NS_FRAMING}' version='1.0'{attributes}/>".encode()

    def features(self, content: bytes) -> bytes:
        """Give the stream features."""
        return b"<stream:features" + _DECLARED + b">" + content + b"</stream:features>"

    def error(self, error: StreamError) -> bytes:
        """Give a stream error (3.5)."""
        return error.to_bytes().replace(b"<stream:error", b"<stream:error" + _DECLARED, 1)

    def closing(self) -> bytes:
        """Give ``<close/>`` (3.6)."""
        return f"<close xmlns='{NS_FRAMING}'/>".encode()

    def elsewhere(self, uri: str) -> bytes:
        """Give a ``<close/>`` that says where to come instead (3.6.1)."""
        return f"<close xmlns='{NS_FRAMING}' see-other-uri='{escape_attr(uri)}'/>".encode()


def qualified(data: bytes) -> bytes:
    """Give an element with its namespace declared: that of content, where it is a stanza and declares none."""
    for start, end in _STANZAS:
        if data.startswith(start) and data[end] in _AFTER_NAME:
            return data[:end] + _CONTENT + data[end:]
    return data


END_OF_BOSH = b"</stream:stream>"
"""What stands for the end of a stream that has no end tag on the wire; the session over BOSH ends by it."""


class BOSHFraming(WebSocketFraming):
    """XEP-0206: what opens and ends a stream are attributes of bodies; payloads declare all their namespaces."""

    carrier = "bosh"

    def opening(self, stream_id: str, from_: str | None, to: str | None, lang: str | None) -> bytes:
        """Nothing: the response to a creation says it."""
        return b""

    def closing(self) -> bytes:
        """Give what ends the session."""
        return END_OF_BOSH


def _told_in(lang: str | None) -> str:
    """RFC 6120 4.7.4: the language of our own texts, which is the peer's where that is a kind of English."""
    return lang if lang is not None and lang.lower().partition("-")[0] == LANG else LANG

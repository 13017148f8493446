"""Dialback as a stream feature (XEP-0220 2.5), and the answer of who is asked about a key."""

from hashlib import sha256
from typing import Final, Protocol

from xmppd.core.stream import Stream
from xmppd.net.streams.s2s.parts import S2SParts
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StreamError
from xmppd.stream.dialback import (
    ERROR,
    FEATURE,
    INVALID,
    RESULT,
    VALID,
    VERIFY,
    BadDialback,
    Dialback,
    is_key,
    read,
)
from xmppd.stream.features import StreamFeature, StreamKind, StreamState

PURPOSE: Final = b"dialback "


class CalledBack(Stream, Protocol):
    """A stream on which domains are proved by dialback."""

    parts: S2SParts

    def dialback_result(self, element: Element) -> None:
        """The peer claims to be a domain."""

    def dialback_verify(self, element: Element) -> None:
        """The peer asks about a key."""

    @property
    def is_tls_required(self) -> bool:
        """Whether TLS must come first."""


def dialback_secret(secret: bytes) -> bytes:
    """Give what keys are made of, out of the *secret* of a data folder."""
    return sha256(PURPOSE + secret).digest()


def read_dialback(element: Element) -> Dialback:
    """Read an element of dialback; improper-addressing where an address is missing (XEP-0220 2.4)."""
    try:
        return read(element)
    except BadDialback:
        raise StreamError("improper-addressing") from None


def check_verify(request: Dialback, parts: S2SParts) -> Dialback:
    """Answer who asks whether a key is ours (XEP-0220 2.1.3)."""
    if request.to not in parts.hosts:
        return request.answer(ERROR, "item-not-found")
    is_ours = request.id is not None and is_key(
        parts.secret, request.from_, request.to, request.id, request.key
    )
    return request.answer(VALID if is_ours else INVALID)


def _offer(stream: CalledBack) -> Element | None:
    return FEATURE if stream.parts.settings().dialback and _is_ready(stream) else None


def _is_ready(stream: CalledBack) -> bool:
    return bool(stream.state & StreamState.SECURE) or not stream.is_tls_required


def _needing_tls(stream: CalledBack) -> CalledBack:
    if not _is_ready(stream):
        raise StreamError("policy-violation", "TLS is needed here")
    return stream


DIALBACK: StreamFeature[CalledBack] = StreamFeature(
    name="dialback",
    kinds=StreamKind.S2S,
    sets=StreamState.AUTHENTICATED,
    offer=_offer,
    handles={
        RESULT: lambda stream, element: _needing_tls(stream).dialback_result(element),
        VERIFY: lambda stream, element: _needing_tls(stream).dialback_verify(element),
    },
    priority=80,
)

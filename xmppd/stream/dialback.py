"""Server dialback: XEP-0220 1.1 as elements, keys by XEP-0185. No I/O.

Covered: the two elements and their answers, with errors (2.4). Who asks whom, and when, is for the streams.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from xmppd.stanza import ns
from xmppd.stanza.element import Element, escape_attr, escape_text
from xmppd.stanza.errors import STANZA_CONDITIONS, StanzaError
from xmppd.stanza.jid import JID, InvalidJID

NS_FEATURE: Final = "urn:xmpp:features:dialback"
FEATURE: Final = Element("dialback", NS_FEATURE, children=[Element("errors", NS_FEATURE)])
RESULT: Final = (ns.DIALBACK, "result")
VERIFY: Final = (ns.DIALBACK, "verify")
VALID: Final = "valid"
INVALID: Final = "invalid"
ERROR: Final = "error"
KEY_CHARS: Final = 1_024
"""Longer keys are nobody's."""


class BadDialback(ValueError):
    """An element of dialback lacks an address, or has one that is none."""


@dataclass(frozen=True, slots=True)
class Dialback:
    """One ``<db:result/>`` or ``<db:verify/>``: a request with a key, or an answer with a type."""

    name: str
    """``result`` or ``verify``."""
    from_: str
    """The (prepared) domain that says it."""
    to: str
    """The (prepared) domain that it is said to."""
    id: str | None = None
    """The stream that a verification is about."""
    type: str | None = None
    """What the answer is; None for a request."""
    key: str = ""
    condition: str | None = None
    """What was wrong, for an error."""

    def to_bytes(self) -> bytes:
        """Give it as it is written, with the prefix that streams of servers declare (XEP-0220 2.1.1)."""
        given = (("from", self.from_), ("to", self.to), ("id", self.id), ("type", self.type))
        attrs = "".join(f" {name}='{escape_attr(value)}'" for name, value in given if value is not None)
        error = (
            b"" if self.condition is None else StanzaError(self.condition).to_element().to_bytes(ns.CLIENT)
        )
        content = escape_text(self.key).encode() + error
        return f"<db:{self.name}{attrs}>".encode() + content + f"</db:{self.name}>".encode()

    def answer(self, type_: str, condition: str | None = None) -> "Dialback":
        """Give the answer to this request."""
        return Dialback(self.name, self.to, self.from_, self.id, type_, condition=condition)


def read(element: Element) -> Dialback:
    """Read an element of dialback; raises `BadDialback`."""
    key = element.text
    return Dialback(
        element.name,
        _domain(element.get("from")),
        _domain(element.get("to")),
        element.get("id"),
        element.get("type"),
        key.strip() if len(key) <= KEY_CHARS else "",
        _condition(element),
    )


def make_key(secret: bytes, receiving: str, originating: str, stream_id: str) -> str:
    """Give the key of a stream from *originating* to *receiving* (XEP-0185 3)."""
    hashed = sha256(secret).hexdigest().encode()
    return hmac.new(hashed, f"{receiving} {originating} {stream_id}".encode(), sha256).hexdigest()


def is_key(secret: bytes, receiving: str, originating: str, stream_id: str, key: str) -> bool:
    """Whether *key* is that of this stream; takes the same time whatever is wrong."""
    return hmac.compare_digest(make_key(secret, receiving, originating, stream_id).encode(), key.encode())


def _condition(element: Element) -> str | None:
    error = next((child for child in element.elements() if child.name == "error"), None)
    if error is None:
        return None
    found = (child.name for child in error.elements() if child.ns == ns.STANZA_ERRORS)
    return next((name for name in found if name in STANZA_CONDITIONS), None)


def _domain(text: str | None) -> str:
    try:
        jid = JID.parse(text or "")
    except InvalidJID:
        raise BadDialback(f"no domain: {text!r}") from None
    if jid.full != jid.domainpart:
        raise BadDialback(f"no domain: {text!r}")
    return jid.full

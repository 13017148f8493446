"""Stanza errors (RFC 6120 8.3) and stream errors (RFC 6120 4.9): one table of conditions for each."""

from typing import Final

from xmppd.stanza import ns
from xmppd.stanza.element import Element

STANZA_CONDITIONS: Final = {  # RFC 6120 8.3.3: the condition and the error type that goes with it
    "bad-request": "modify",
    "conflict": "cancel",
    "feature-not-implemented": "cancel",
    "forbidden": "auth",
    "gone": "cancel",
    "internal-server-error": "cancel",
    "item-not-found": "cancel",
    "jid-malformed": "modify",
    "not-acceptable": "modify",
    "not-allowed": "cancel",
    "not-authorized": "auth",
    "policy-violation": "modify",
    "recipient-unavailable": "wait",
    "redirect": "modify",
    "registration-required": "auth",
    "remote-server-not-found": "cancel",
    "remote-server-timeout": "wait",
    "resource-constraint": "wait",
    "service-unavailable": "cancel",
    "subscription-required": "auth",
    "undefined-condition": "cancel",
    "unexpected-request": "wait",
}

ERROR_TYPES: Final = frozenset({"auth", "cancel", "continue", "modify", "wait"})  # RFC 6120 8.3.2

STREAM_CONDITIONS: Final = frozenset(  # RFC 6120 4.9.3
    {
        "bad-format",
        "bad-namespace-prefix",
        "conflict",
        "connection-timeout",
        "host-gone",
        "host-unknown",
        "improper-addressing",
        "internal-server-error",
        "invalid-from",
        "invalid-namespace",
        "invalid-xml",
        "not-authorized",
        "not-well-formed",
        "policy-violation",
        "remote-connection-failed",
        "reset",
        "resource-constraint",
        "restricted-xml",
        "see-other-host",
        "system-shutdown",
        "undefined-condition",
        "unsupported-encoding",
        "unsupported-feature",
        "unsupported-stanza-type",
        "unsupported-version",
    }
)


class StanzaError(Exception):
    """What is wrong with a stanza, to be told to its sender (RFC 6120 8.3).

    *type* defaults to the one that RFC 6120 8.3.3 couples with *condition*; *extra* is the
    application-specific condition; *uri* is the new address that goes with gone and redirect.
    Raises ValueError for a condition or a type that the RFC does not know.
    """

    def __init__(
        self,
        condition: str,
        text: str | None = None,
        *,
        type: str | None = None,
        extra: Element | None = None,
        uri: str | None = None,
    ) -> None:
        if condition not in STANZA_CONDITIONS:
            raise ValueError(f"unknown stanza error condition {condition!r}")
        if type is not None and type not in ERROR_TYPES:
            raise ValueError(f"unknown stanza error type {type!r}")
        super().__init__(condition if text is None else f"{condition}: {text}")
        self.condition = condition
        self.text = text
        self.type = type if type is not None else STANZA_CONDITIONS[condition]
        self.extra = extra
        self.uri = uri

    def to_element(self) -> Element:
        """The ``<error/>`` child in the content namespace (RFC 6120 8.3.2)."""
        children = _conditions(self.condition, self.uri, self.text, ns.STANZA_ERRORS, self.extra)
        return Element("error", ns.CLIENT, {"type": self.type}, children)


class StreamError(Exception):
    """Why a stream ends (RFC 6120 4.9); also the last event that a framer gives.

    *extra* is the application-specific condition; *host* is the other address that goes with
    see-other-host. Raises ValueError for a condition that the RFC does not know.
    """

    def __init__(
        self,
        condition: str,
        text: str | None = None,
        *,
        extra: Element | None = None,
        host: str | None = None,
    ) -> None:
        if condition not in STREAM_CONDITIONS:
            raise ValueError(f"unknown stream error condition {condition!r}")
        super().__init__(condition if text is None else f"{condition}: {text}")
        self.condition = condition
        self.text = text
        self.extra = extra
        self.host = host

    def to_element(self) -> Element:
        """The ``error`` element in the streams namespace (RFC 6120 4.9.2)."""
        children = _conditions(self.condition, self.host, self.text, ns.STREAM_ERRORS, self.extra)
        return Element("error", ns.STREAMS, None, children)

    def to_bytes(self) -> bytes:
        """The error as ``<stream:error>``, for a stream whose header binds that prefix (RFC 6120 4.8.5)."""
        children = b"".join(child.to_bytes() for child in self.to_element().elements())
        return b"<stream:error>" + children + b"</stream:error>"


def _conditions(
    condition: str, data: str | None, text: str | None, namespace: str, extra: Element | None
) -> list[Element | str]:
    children: list[Element | str] = [Element(condition, namespace, None, () if data is None else (data,))]
    if text is not None:
        children.append(Element("text", namespace, {"xml:lang": "en"}, (text,)))
    if extra is not None:
        children.append(extra)
    return children

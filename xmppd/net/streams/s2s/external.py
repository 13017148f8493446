"""SASL EXTERNAL between servers: XEP-0178 3, RFC 6120 6, for who comes in."""

from typing import Final, Protocol

from xmppd.core.stream import Stream
from xmppd.net.streams.header import jid_of
from xmppd.net.streams.s2s.parts import S2SParts
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StreamError
from xmppd.stream.features import AnyFeature, StreamFeature, StreamKind, StreamState
from xmppd.stream.sasl.steps import SaslError, decode_initial

SUCCESS: Final = Element("success", ns.SASL)
MECHANISMS: Final = Element(
    "mechanisms", ns.SASL, children=[Element("mechanism", ns.SASL, children=["EXTERNAL"])]
)


class Certified(Stream, Protocol):
    """A stream whose peer may be known by its certificate."""

    parts: S2SParts
    theirs: str
    auth_failures: int

    def is_covered(self, domain: str) -> bool:
        """Whether the peer's certificate covers *domain*."""

    def authenticated(self, feature: AnyFeature) -> None:
        """The peer is who its header says."""

    def restart(self) -> None:
        """Expect a new header."""


def _offer(stream: Certified) -> Element | None:
    """XEP-0178 3, step 9: only where it would succeed."""
    return MECHANISMS if stream.theirs and stream.is_covered(stream.theirs) else None


def _authenticate(stream: Certified, element: Element) -> None:
    try:
        _check(stream, element)
    except SaslError as error:
        stream.auth_failures += 1
        stream.send(Element("failure", ns.SASL, children=[Element(error.condition, ns.SASL)]))
        if stream.auth_failures >= stream.parts.limits().auth_failures:
            raise StreamError("policy-violation", "Too many failures") from None
        return
    stream.authenticated(EXTERNAL)
    stream.send(SUCCESS)
    stream.restart()


def _check(stream: Certified, element: Element) -> None:
    if element.get("mechanism") != "EXTERNAL":
        raise SaslError("invalid-mechanism")
    initial = decode_initial(element.text.strip())
    try:
        asked = jid_of((initial or b"").decode())
    except UnicodeDecodeError:
        raise SaslError("malformed-request") from None
    if initial and (asked is None or asked.full != stream.theirs):
        raise SaslError("invalid-authzid")
    if not stream.theirs or not stream.is_covered(stream.theirs):
        raise SaslError("not-authorized")


EXTERNAL: StreamFeature[Certified] = StreamFeature(
    name="external",
    kinds=StreamKind.S2S,
    needs=StreamState.SECURE,
    forbids=StreamState.AUTHENTICATED,
    sets=StreamState.AUTHENTICATED,
    offer=_offer,
    handles={(ns.SASL, "auth"): _authenticate},
    priority=90,
)

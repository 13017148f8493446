"""SASL on a client stream: RFC 6120 6, with the channel bindings announced by XEP-0440.

The client can see whether what it was announced is what was sent: a hash of it goes with SCRAM (XEP-0474).
"""

from base64 import b64encode
from functools import lru_cache

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from xmppd.core.waiting import is_there
from xmppd.net.streams.announcement import Announcement
from xmppd.net.streams.client_stream import ClientStream
from xmppd.net.streams.login_progress import LoginProgress
from xmppd.services.login.authentication import Circumstances
from xmppd.stanza import ns
from xmppd.stanza.element import Element, FixedElement
from xmppd.stanza.errors import StreamError
from xmppd.stream.features import StreamFeature, StreamState
from xmppd.stream.sasl.steps import SaslError, Success, decode_initial, decode_payload

NS_CHANNEL_BINDING = "urn:xmpp:sasl-cb:0"
TRIALS = 4
"""So many times more often than a password a client may try mechanisms, and types of channel binding."""
OFFERS_KEPT = 32
"""Different offers that are kept written; a configuration has a few."""


def circumstances(stream: ClientStream) -> Circumstances:
    """Give what the offer of mechanisms depends on; nothing is offered where TLS is required and missing."""
    host = stream.host
    assert host is not None, "SASL comes after the header"
    is_secure = bool(stream.state & StreamState.SECURE)
    return Circumstances(
        host=host,
        peer=stream.session.peer,
        is_secure=is_secure,
        is_refused=not is_secure and stream.is_tls_required,
        channel_bindings=stream.link.channel_bindings() if is_secure else {},
        client_jids=tuple(stream.link.client_jids(host.name)) if is_secure else (),
    )


def announcement(stream: ClientStream) -> Announcement:
    """Give what is announced on this stream; the same from its features to the end of the authentication."""
    known = stream.announcement
    if known is None:
        given = circumstances(stream)
        known = stream.announcement = Announcement(given, tuple(stream.server.authentication.offer(given)))
    return known


def _offer(stream: ClientStream) -> Element | None:
    names = announcement(stream).mechanisms
    return _mechanisms(names) if names else None


def _offer_channel_bindings(stream: ClientStream) -> Element | None:
    types = announcement(stream).given.channel_bindings
    return _channel_bindings(tuple(types)) if types else None


@lru_cache(maxsize=OFFERS_KEPT)
def _mechanisms(names: tuple[str, ...]) -> FixedElement:
    children = [Element("mechanism", ns.SASL, children=[name]) for name in names]
    return FixedElement("mechanisms", ns.SASL, children=children)


@lru_cache(maxsize=OFFERS_KEPT)
def _channel_bindings(types: tuple[str, ...]) -> FixedElement:
    children = [Element("channel-binding", NS_CHANNEL_BINDING, {"type": type}) for type in types]
    return FixedElement("sasl-channel-binding", NS_CHANNEL_BINDING, children=children)


def _on_auth(stream: ClientStream, element: Element) -> Deferred[None] | None:
    stream.exchange = None
    stream.session.account_mark = stream.server.authentication.account_mark
    announced = announcement(stream)
    try:
        exchange = stream.server.authentication.begin(
            element.get("mechanism") or "", announced.given, announced.mechanisms
        )
        stream.exchange = exchange
        initial = decode_initial(element.text, stream.token_bytes)
    except SaslError as error:
        _fail(stream, error)
        return None
    return _answer(stream, exchange.start(initial))


def _on_response(stream: ClientStream, element: Element) -> Deferred[None] | None:
    try:
        exchange = stream.exchange
        if exchange is None or isinstance(exchange, LoginProgress):
            raise SaslError("malformed-request", "No authentication has begun")
        data = decode_payload(element.text, stream.token_bytes)
    except SaslError as error:
        _fail(stream, error)
        return None
    return _answer(stream, exchange.respond(data))


def _answer(stream: ClientStream, step: Deferred[bytes | Success]) -> Deferred[None] | None:
    """Tell the client what has come of its message, at once where it is there, as nearly always.

    By callbacks: a coroutine's frame would be in the traceback of a failure, and keep the stream until the collector
    comes.
    """
    if is_there(step):
        _advance(stream, step.result)  # type: ignore[arg-type]  # it has not failed
        return None
    return step.addCallbacks(
        lambda outcome: _advance(stream, outcome), lambda failure: _refused(stream, failure)
    )


def _refused(stream: ClientStream, failure: Failure) -> None:
    error = failure.value
    if not isinstance(error, SaslError):
        failure.raiseException()
    _fail(stream, error)


def _on_abort(stream: ClientStream, element: Element) -> None:
    _fail(stream, SaslError("aborted"))


def _advance(stream: ClientStream, step: Success | bytes) -> None:
    """Send the next challenge, or the success, after which a new stream begins (RFC 6120 6.4.6)."""
    if stream.session.is_ended:
        return
    if isinstance(step, bytes):
        stream.session.send(Element("challenge", ns.SASL, children=[b64encode(step).decode()]))
        return
    assert step.username is not None, "the authentication service names everyone"
    stream.session.send(
        Element("success", ns.SASL, children=[] if step.data is None else [_encoded(step.data)])
    )
    stream.authenticated(step.username, SASL)
    stream.restart()


def _fail(stream: ClientStream, error: SaslError) -> None:
    stream.exchange = None
    if stream.session.is_ended:
        return
    children = [Element(error.condition, ns.SASL)]
    if error.text:
        children.append(Element("text", ns.SASL, {"xml:lang": "en"}, [error.text]))
    stream.session.send(Element("failure", ns.SASL, children=children))
    count_failure(stream, error)


def count_failure(stream: ClientStream, error: SaslError) -> None:
    """RFC 6120 6.4.5: a client may try again, but not for ever; what tries no password may be tried more often.

    The stream ends with not-authorized (4.9.3.12): that is what clients show as a wrong password.
    """
    limit = stream.limits.auth_failures
    if error.is_trial:
        stream.auth_trials += 1
    else:
        stream.auth_failures += 1
    if stream.auth_failures >= limit or stream.auth_trials >= TRIALS * limit:
        stream.fail(StreamError("not-authorized", "Too many failed attempts to authenticate"))


def _encoded(data: bytes) -> str:
    """RFC 6120 6.4.6: "=" is what has no bytes, where nothing at all would say that there is none."""
    return b64encode(data).decode() or "="


_NOT_YET = StreamState.AUTHENTICATED | StreamState.BOUND | StreamState.AUTHENTICATING
SASL: StreamFeature[ClientStream] = StreamFeature(
    name="sasl",
    forbids=_NOT_YET,
    sets=StreamState.AUTHENTICATED,
    offer=_offer,
    handles={
        (ns.SASL, "auth"): _on_auth,
        (ns.SASL, "response"): _on_response,
        (ns.SASL, "abort"): _on_abort,
    },
    priority=90,
)
CHANNEL_BINDING: StreamFeature[ClientStream] = StreamFeature(
    name="sasl-channel-binding", forbids=_NOT_YET, offer=_offer_channel_bindings, priority=89
)

"""Stanzas before a resource is bound, and the binding itself: RFC 6120 7."""

from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from xmppd.core import events
from xmppd.core.events import Traffic
from xmppd.core.host import Host
from xmppd.core.iq import check_iq
from xmppd.core.router import Router
from xmppd.core.session import SessionStream
from xmppd.core.waiting import started
from xmppd.services.login.binding import Binding
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.stanza.jid import JID, InvalidJID
from xmppd.stanza.stanza import Stanza
from xmppd.stream.features import StreamState


class UnboundStream(SessionStream, Protocol):
    """What a stream is to this file."""

    host: Host | None

    @property
    def router(self) -> Router:
        """Where refusals leave."""

    @property
    def binding(self) -> Binding:
        """What binds resources."""


def unbound_stanza(stream: UnboundStream, stanza: Stanza) -> Deferred[None] | None:
    """RFC 6120 7.1: before binding, only the server and one's own account may be spoken to, by IQ."""
    session, host = stream.session, stream.host
    assert host is not None, "no stanza comes before a header"
    if stream.state & StreamState.AUTHENTICATING:
        raise StreamError("not-authorized", "Nothing may be sent while a login goes on")
    own = JID(session.username, host.name, None)
    stanza = _with_prepared_to(stanza)
    if stanza.name != "iq" or stanza.to not in (None, host.name, own.full):
        raise StreamError("not-authorized")
    if stream.state & StreamState.AUTHENTICATED:
        try:
            check_iq(stanza)
        except StanzaError as error:
            stream.router.refuse(stanza, error, session)
            return None
        if stanza.type == "set" and stanza.has("bind", ns.BIND):
            return started(_bind(stream, stanza))
    answer = host.hooks.ask(events.UNBOUND_STANZA, Traffic(stanza, own, own, session))
    if isinstance(answer, Deferred):
        answer.addCallback(lambda taken: None if taken else _refuse(stream, stanza))
        return answer.addErrback(_answer_error, stream, stanza)
    if not answer:
        _refuse(stream, stanza)
    return None


def _with_prepared_to(stanza: Stanza) -> Stanza:
    try:
        return stanza if stanza.to is None else stanza.replace(to=JID.parse(stanza.to).full)
    except InvalidJID:
        return stanza


async def _bind(stream: UnboundStream, stanza: Stanza) -> None:
    request = stanza.child("bind", ns.BIND)
    wanted = request.child_text("resource") if request is not None else None
    try:
        jid = await stream.binding.bind(stream.session, wanted)
    except StanzaError as error:
        stream.router.refuse(stanza, error, stream.session)
        return
    stream.bound()
    told = Element("jid", ns.BIND, children=[jid.full])
    stream.session.send(stanza.result(Element("bind", ns.BIND, children=[told])))


def _refuse(stream: UnboundStream, stanza: Stanza) -> None:
    if not stream.state & StreamState.AUTHENTICATED:
        raise StreamError("not-authorized")
    stream.router.refuse(stanza, StanzaError("not-authorized"), stream.session)


def _answer_error(failure: Failure, stream: UnboundStream, stanza: Stanza) -> None:
    error = failure.value
    if not isinstance(error, StanzaError):
        failure.raiseException()
    stream.router.refuse(stanza, error, stream.session)

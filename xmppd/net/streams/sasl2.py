"""SASL2 on a client stream: XEP-0388 1.0.4. What comes with a login is in `xmppd.services.login.login`.

Offered under TLS only, beside the SASL of RFC 6120. While a login goes on nothing else may be sent: it ends the
stream (2.4). A failed login changes nothing; a successful one goes on in the same stream, with new features, or with
none after a resumption (XEP-0198 9.2). The ``from`` of the stream header, where it names an account, must be who logs
in (2.3).
"""

from base64 import b64encode
from collections.abc import Coroutine
from functools import lru_cache
from typing import Final, cast
from uuid import UUID

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.core.filters import FilterStage
from xmppd.core.hooks import Hooks
from xmppd.core.session import Session
from xmppd.core.waiting import started, waited
from xmppd.net.streams.client_stream import ClientStream
from xmppd.net.streams.login_progress import LoginProgress
from xmppd.net.streams.sasl import OFFERS_KEPT, announcement, count_failure
from xmppd.services.login.login import (
    LOGIN_BEGINNING,
    LOGIN_SUCCEEDED,
    LOGIN_TASKS,
    NS_SASL2,
    OFFERING,
    Exchange,
    Login,
    Offer,
    UserAgent,
)
from xmppd.stanza import ns
from xmppd.stanza.element import Element, FixedElement
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import StorageError
from xmppd.stream.features import StreamFeature, StreamState
from xmppd.stream.sasl.steps import SaslError, Success, decode_payload

NS_UPGRADE: Final = "urn:xmpp:sasl:upgrade:0"
AGENT_CHARS: Final = 200
"""So much of the name of a program or a device is kept."""
HELD_STANZAS: Final = 1_000
HELD_BYTES: Final = 4 * 1024 * 1024
"""So much may come for a session between its binding and ``<success/>``; a flood beyond it ends the stream."""

_log = Logger()


# -- the feature ------------------------------------------------------------------------------------------------------


def _offer(stream: ClientStream) -> Element | None:
    announced = announcement(stream)
    if not announced.mechanisms:
        return None
    given = announced.given
    return _authentication(
        given.host.hooks,
        given.host.hooks.handlers(OFFERING),
        announced.mechanisms,
        tuple(given.channel_bindings),
    )


@lru_cache(maxsize=OFFERS_KEPT)
def _authentication(
    hooks: Hooks, handlers: tuple[object, ...], mechanisms: tuple[str, ...], bindings: tuple[str, ...]
) -> FixedElement:
    """2.1: the feature is stable, so it is made once for each host, its *handlers* and the circumstances."""
    offer = Offer(bindings)
    hooks.notify(OFFERING, offer)
    children: list[Element | str] = [_text("mechanism", name) for name in mechanisms]
    if offer.inline:
        children.append(Element("inline", NS_SASL2, children=[*offer.inline]))
    children += [Element("upgrade", NS_UPGRADE, children=[name]) for name in offer.upgrades]
    return FixedElement("authentication", NS_SASL2, children=children)


# -- what the client sends --------------------------------------------------------------------------------------------


def _on_authenticate(stream: ClientStream, element: Element) -> Deferred[None]:
    stream.negotiated(SASL2)
    stream.exchange = None
    stream.session.account_mark = stream.server.authentication.account_mark
    return _guarded(stream, _begin(stream, element))


async def _begin(stream: ClientStream, element: Element) -> None:
    announced = announcement(stream)
    login = Login(stream, stream.session, announced.given, element, _user_agent(element))
    answer = login.host.hooks.ask(LOGIN_BEGINNING, login)
    exchange: Exchange | None = cast("Exchange | None", await waited(answer))
    if exchange is None:
        exchange = stream.server.authentication.begin(login.mechanism, announced.given, announced.mechanisms)
    stream.exchange = LoginProgress(login, exchange)
    initial = element.child("initial-response")
    await _advance(stream, await exchange.start(None if initial is None else _decoded(stream, initial)))


def _on_response(stream: ClientStream, element: Element) -> Deferred[None]:
    return _guarded(stream, _respond(stream, element))


async def _respond(stream: ClientStream, element: Element) -> None:
    progress = _progress(stream)
    if progress.success is not None:
        raise SaslError("malformed-request", "The authentication is over, a task is due")
    await _advance(stream, await progress.exchange.respond(_decoded(stream, element)))


def _on_abort(stream: ClientStream, element: Element) -> None:
    _fail(stream, SaslError("aborted"))


def _on_next(stream: ClientStream, element: Element) -> Deferred[None]:
    return _guarded(stream, _next(stream, element))


async def _next(stream: ClientStream, element: Element) -> None:
    progress = _progress(stream)
    wanted = element.get("task")
    task = next((task for task in progress.login.tasks if task.name == wanted), None)
    if progress.success is None or progress.task is not None or task is None:
        raise SaslError("malformed-request", "This task is not due")
    data = task.begin(element)
    progress.task = task
    stream.session.send(Element("task-data", NS_SASL2, children=[*data]))


def _on_task_data(stream: ClientStream, element: Element) -> Deferred[None]:
    return _guarded(stream, _go_on_task(stream, element))


async def _go_on_task(stream: ClientStream, element: Element) -> None:
    progress = _progress(stream)
    task = progress.task
    if task is None or progress.success is None:
        raise SaslError("malformed-request", "No task has begun")
    await task.go_on(element)
    progress.task = None
    progress.login.tasks.remove(task)
    await _settle(stream, progress, None)


# -- the way to success -----------------------------------------------------------------------------------------------


async def _advance(stream: ClientStream, step: Success | bytes) -> None:
    if stream.session.is_ended:
        return
    if isinstance(step, bytes):
        stream.session.send(_encoded("challenge", step))
        return
    progress = _progress(stream)
    login = progress.login
    assert step.username is not None, "the authentication service names everyone"
    login.username = step.username
    claimed = stream.claimed
    if claimed is not None and claimed.localpart is not None and claimed.bare != login.bare_jid:
        raise SaslError("invalid-authzid", "The stream header is from somebody else")
    progress.success = step
    told = login.host.hooks.notify(LOGIN_TASKS, login)
    if told is not None:
        await told
    await _settle(stream, progress, step.data)


async def _settle(stream: ClientStream, progress: LoginProgress, data: bytes | None) -> None:
    """Ask for the next task, or let the client in (2.6); *data* is the mechanism's own last word."""
    if stream.session.is_ended:
        return
    login = progress.login
    if not login.tasks:
        await _let_in(stream, login, data)
        return
    tasks = Element("tasks", NS_SASL2, children=[_text("task", login.tasks[0].name)])
    stream.session.send(Element("continue", NS_SASL2, children=[*_additional(data), tasks]))


async def _let_in(stream: ClientStream, login: Login, data: bytes | None) -> None:
    """2.6.1: inline features, then success; stream features follow, unless the stream goes on from an earlier one."""
    session = stream.session
    if not login.host.settings.is_of_guests:  # tasks may have taken their time
        account = JID(login.username, login.host.name, None)
        stream.server.authentication.check_account(account, session.account_mark)
    stream.authenticated(login.username, SASL2_EXCHANGE)
    held = _Held(session)
    told = login.host.hooks.notify(LOGIN_SUCCEEDED, login)
    if told is not None:
        await told
    session = login.session
    if session.is_ended:
        return
    identity = session.full_jid or login.bare_jid
    success = Element(
        "success", NS_SASL2, children=[*_additional(data), _text("authorization-identifier", identity)]
    )
    success.children.extend(login.results)
    session.send(success.to_bytes(ns.CLIENT))  # bytes pass by what is held back
    if not login.is_resumed:
        stream.send_features()
    held.release()
    for go_on in login.after:
        go_on()


class _Held:
    """What comes for a session that is bound already, but whose client has not been told: it waits, in order (2.4)."""

    __slots__ = ("_session", "_size_bytes", "_waiting")

    def __init__(self, session: Session):
        self._session = session
        self._size_bytes = 0
        self._waiting: list[Stanza | bytes] = []
        session.add_filter(FilterStage.LOGIN, self._keep)

    def _keep(self, session: Session, x: Stanza | bytes) -> None:
        self._waiting.append(x)
        self._size_bytes += len(x.inner) if isinstance(x, Stanza) else 0
        if len(self._waiting) > HELD_STANZAS or self._size_bytes > HELD_BYTES:
            session.close("resource-constraint")

    def release(self) -> None:
        """Let it out."""
        session = self._session
        session.remove_filter(self._keep)
        for x in self._waiting:
            session.send(x)


# -- failure ----------------------------------------------------------------------------------------------------------


def _guarded(stream: ClientStream, steps: Coroutine[object, object, None]) -> Deferred[None]:
    """Run *steps*; what goes wrong is the client's to know (2.6.2)."""

    async def run() -> None:
        try:
            await steps
        except SaslError as error:
            _fail(stream, error)
        except StorageError as error:
            _log.error("A login fails for the storage: {error}", error=str(error))
            _fail(stream, SaslError("temporary-auth-failure"))

    return started(run())


def _fail(stream: ClientStream, error: SaslError) -> None:
    """2.6.2: the stream is as it was before the attempt."""
    stream.exchange = None
    stream.withdrawn(SASL2)
    if stream.session.is_ended:
        return
    children = [Element(error.condition, ns.SASL)]
    if error.text:
        children.append(_text("text", error.text))
    stream.session.send(Element("failure", NS_SASL2, children=[*children]))
    count_failure(stream, error)


# -- reading and writing ----------------------------------------------------------------------------------------------


def _progress(stream: ClientStream) -> LoginProgress:
    progress = stream.exchange
    if not isinstance(progress, LoginProgress):
        raise SaslError("malformed-request", "No authentication has begun")
    return progress


def _user_agent(element: Element) -> UserAgent:
    """2.3; SaslError malformed-request for an id that is no UUID."""
    agent = element.child("user-agent")
    if agent is None:
        return UserAgent()
    id = agent.get("id") or ""
    if id:
        try:
            id = str(UUID(id))
        except ValueError:
            raise SaslError("malformed-request", "The id of a user agent is a UUID") from None
    return UserAgent(id, _name_in(agent, "software"), _name_in(agent, "device"))


def _name_in(agent: Element, name: str) -> str:
    """Give a name in one line, of what can be seen: it is shown on terminals."""
    line = " ".join((agent.child_text(name) or "").split())
    return "".join(char for char in line if char.isprintable())[:AGENT_CHARS]


def _decoded(stream: ClientStream, element: Element) -> bytes:
    """2.2: an empty element is an empty message; white space around is let pass, "=" means nothing here."""
    text = element.text.strip()
    if text == "=":
        raise SaslError("incorrect-encoding")
    return decode_payload(text, stream.token_bytes)


def _encoded(name: str, data: bytes) -> Element:
    return _text(name, b64encode(data).decode())


def _additional(data: bytes | None) -> list[Element | str]:
    return [] if data is None else [_encoded("additional-data", data)]


def _text(name: str, text: str) -> Element:
    return Element(name, NS_SASL2, children=[text] if text else [])


SASL2: StreamFeature[ClientStream] = StreamFeature(
    name="sasl2",
    needs=StreamState.SECURE,
    forbids=StreamState.AUTHENTICATED | StreamState.BOUND | StreamState.AUTHENTICATING,
    sets=StreamState.AUTHENTICATING,
    offer=_offer,
    handles={(NS_SASL2, "authenticate"): _on_authenticate},
    priority=-50,
)
SASL2_EXCHANGE: StreamFeature[ClientStream] = StreamFeature(
    name="sasl2-exchange",
    needs=StreamState.AUTHENTICATING,
    sets=StreamState.AUTHENTICATED,
    ends=StreamState.AUTHENTICATING,
    handles={
        (NS_SASL2, "response"): _on_response,
        (NS_SASL2, "abort"): _on_abort,
        (NS_SASL2, "next"): _on_next,
        (NS_SASL2, "task-data"): _on_task_data,
    },
)

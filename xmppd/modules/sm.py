"""Stream Management: XEP-0198 1.6.3. The rules are in `xmppd.services.stream_management`, here are the elements."""

from collections.abc import Callable
from typing import Annotated, Final

from twisted.internet.defer import Deferred

from xmppd.config.fields import Field
from xmppd.core import events
from xmppd.core.events import Unbound
from xmppd.core.module import XEP, Module, Options, on
from xmppd.core.session import ClientFeature, Session, SessionStream
from xmppd.core.stations import KEEPING, SETTLING
from xmppd.core.waiting import deferred
from xmppd.services.accounts.sessions import AccountSessions
from xmppd.services.login.login import (
    BINDING_INLINE,
    GATHERING,
    LOGIN_SUCCEEDED,
    OFFERING,
    RESUMING,
    InlineBind,
    Login,
    Offer,
)
from xmppd.services.stream_management.ledger import Settings, StreamLedger
from xmppd.services.stream_management.receipts import NS
from xmppd.services.stream_management.service import CannotResume, StreamManagement
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StreamError
from xmppd.stream.acks import MODULUS
from xmppd.stream.features import StreamFeature, StreamState

TRUE: Final = frozenset(("true", "1"))
MAX_DIGITS: Final = 10
KIB: Final = 1024


class SMOptions(Options):
    """``[modules.sm]``."""

    max_s: Annotated[int, Field(ge=1, le=86_400)] = 600
    """How long a session waits for its client to come back, at most; a client may ask for less."""
    queue_stanzas: Annotated[int, Field(ge=10)] = 10_000
    """Stanzas that a client has not acknowledged; beyond it the session ends, and messages go where they can."""
    queue_bytes: Annotated[int, Field(ge=64 * KIB)] = 8 * KIB * KIB
    """Their size."""
    ask_after: Annotated[int, Field(ge=1)] = 25
    """After so many stanzas, or half of the queue, an acknowledgement is asked for at once, else after a pause."""


class SM(Module):
    """Acknowledges stanzas, has them acknowledged, and lets sessions survive their connections."""

    name = "sm"
    summary = "Stream Management"
    xep = XEP(198, "1.6.3")
    requires = ("offline",)
    options = SMOptions
    uses = (StreamManagement, AccountSessions)
    opt: SMOptions

    def start(self) -> None:
        """Find the service."""
        self._sm = self.api.services[StreamManagement]
        self._accounts = self.api.services[AccountSessions]
        self._has_accounts = not self.api.host.settings.is_of_guests
        options = self.opt
        self._settings = Settings(
            options.max_s,
            options.queue_stanzas,
            options.queue_bytes,
            min(options.ask_after, options.queue_stanzas // 2),
        )

    def stream_features(self) -> tuple[ClientFeature, ...]:
        """Offer it once the client is authenticated (section 2), and no more once it is enabled (XEP-0388 2.6.1)."""
        handlers: dict[str, Callable[[SessionStream, Element], object]] = {
            "enable": self._on_enable,
            "resume": self._on_resume,
            "r": self._on_request,
            "a": self._on_answer,
        }
        feature = StreamFeature(
            name=self.name,
            needs=StreamState.AUTHENTICATED,
            offer=_offer,
            handles={(NS, name): handler for name, handler in handlers.items()},
            priority=60,
        )
        return (feature,)

    # -- elements -----------------------------------------------------------------------------------------------------

    def _on_enable(self, stream: SessionStream, element: Element) -> None:
        """Section 3: once, after binding."""
        session: Session = stream.session
        answer = self.enable(session, element) if stream.is_bound else None
        session.send(answer or failed("unexpected-request"))

    def enable(self, session: Session, element: Element) -> Element | None:
        """Enable it for a connected resource as ``<enable/>`` asks, and give the answer; None where it cannot be."""
        if session.ledger is not None or session.is_ended:
            return None
        is_resumable = element.get("resume") in TRUE
        ledger = self._sm.enable(
            session, self._settings, is_resumable=is_resumable, max_s=_number(element.get("max"))
        )
        if not is_resumable:
            return Element("enabled", NS)
        attrs = {"id": ledger.key.session_id, "resume": "true", "max": str(ledger.max_s)}
        return Element("enabled", NS, attrs)

    def _on_request(self, stream: SessionStream, element: Element) -> None:
        """Section 4: the client wants to know what was handled."""
        _ledger(stream.session).requested()

    def _on_answer(self, stream: SessionStream, element: Element) -> None:
        """Section 4: the client says what it has handled."""
        h = _number(element.get("h"))
        _ledger(stream.session)
        if h is None:
            raise StreamError("bad-format", "An acknowledgement needs a number")
        self._sm.acknowledged(stream.session, h)

    def _on_resume(self, stream: SessionStream, element: Element) -> Deferred[None] | None:
        """Section 5: before binding."""
        if stream.is_bound:
            stream.session.send(failed("unexpected-request"))
            return None
        return self._resume(stream, element)

    @deferred
    async def _resume(self, stream: SessionStream, element: Element) -> None:
        answer, session = await self.resume(stream, element)
        stream.session.send(answer)
        if session is not None:
            self.replay(session)

    @deferred
    async def resume(self, stream: SessionStream, element: Element) -> tuple[Element, Session | None]:
        """Resume a session as ``<resume/>`` asks; give the answer, and the session whose queue is sent behind it.

        Raises `StreamError` where the client acknowledges more than it was sent.
        """
        previous_id, h = element.get("previd"), _number(element.get("h"))
        if not previous_id or h is None:
            return failed("bad-request"), None
        if self._has_accounts and not self._accounts.may_bind(stream.session):
            return failed("not-authorized"), None
        try:
            session = await self._sm.resume(stream, previous_id, h)
        except CannotResume as error:
            return failed(error.condition, error.h), None
        if session is None:
            return failed("item-not-found"), None  # nobody reads it
        handled = str(_ledger(session).incoming.handled)
        return Element("resumed", NS, {"previd": previous_id, "h": handled}), session

    def replay(self, session: Session) -> None:
        """Send what waits in the queue of a session that was resumed: behind the answer."""
        _ledger(session).replay()
        self.api.host.hooks.notify(events.SESSION_RESUMED, session)

    # -- within a login (section 9) -----------------------------------------------------------------------------------

    @on(OFFERING, GATHERING)
    def on_offering(self, offer: Offer) -> None:
        """A session can be resumed with the login, or begin with the binding (9.1, 9.2)."""
        offer.inline.append(Element("sm", NS))
        offer.bind.append(NS)

    @on(LOGIN_SUCCEEDED, RESUMING)
    def on_login(self, login: Login) -> Deferred[None] | None:
        """Resume an earlier session where that is asked for; where it cannot be, the binding goes on (9.2)."""
        request = login.request.child("resume", NS)
        return None if request is None or login.session.is_ended else self._resume_inline(login, request)

    @deferred
    async def _resume_inline(self, login: Login, request: Element) -> None:
        try:
            answer, session = await self.resume(login.stream, request)
        except StreamError as error:
            login.stream.fail(error)
            return
        login.results.append(answer)
        if session is not None:
            login.session, login.is_resumed = session, True
            login.after.append(lambda: self.replay(session))

    @on(BINDING_INLINE)
    def on_binding(self, inline: InlineBind) -> None:
        """Enable it with the binding where that is asked for (9.1)."""
        request = inline.request.child("enable", NS)
        answer = self.enable(inline.session, request) if request is not None else None
        if answer is not None:
            inline.bound.append(answer)

    # -- a session's life ---------------------------------------------------------------------------------------------

    @on(events.SESSION_DETACHED, KEEPING)
    def on_detached(self, session: Session) -> bool | None:
        """Section 5: a lost connection does not end a session that can be resumed."""
        return self._sm.detached(session) or None

    @on(events.RESOURCE_UNBOUND, SETTLING)
    def on_unbound(self, unbound: Unbound) -> None:
        """Section 4: what was not acknowledged is treated as if the resource had not been there."""
        self._sm.unbound(unbound)


def _offer(stream: SessionStream) -> Element | None:
    return Element("sm", NS) if stream.session.ledger is None else None


def failed(condition: str, h: int | None = None) -> Element:
    """Section 6: why something cannot be done; *h* is how much was handled."""
    attrs = {} if h is None else {"h": str(h)}
    return Element("failed", NS, attrs, [Element(condition, ns.STANZA_ERRORS)])


def _ledger(session: Session) -> StreamLedger:
    ledger = session.ledger
    if not isinstance(ledger, StreamLedger):
        raise StreamError("unsupported-stanza-type", "Stream management is not enabled")
    return ledger


def _number(text: str | None) -> int | None:
    """Read an unsignedInt; None for anything else."""
    text = (text or "").strip()
    if not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
        return None
    number = int(text)
    return number if number < MODULUS else None

"""In-band registration: XEP-0077, with a service of this server as the host that is registered with.

New accounts are off by default; where they are allowed they are made over TLS only, so many an hour for each address.
Who has shown an invitation (XEP-0445) makes one in any case. A user changes the password and removes the account, in
band, over the stream that shows who it is.
"""

from typing import Annotated, Final

from xmppd.config.fields import Field
from xmppd.core import events
from xmppd.core.attachment import Attachment
from xmppd.core.events import IQRequest, Traffic
from xmppd.core.module import XEP, Module, Options, iq, on
from xmppd.core.rate_limit import RateLimit
from xmppd.core.session import ClientFeature, Session
from xmppd.core.waiting import deferred
from xmppd.services.accounts.accounts import (
    AccountError,
    AccountEvent,
    AccountExists,
    AccountReserved,
    Accounts,
    AccountTombstoned,
    NoSuchAccount,
)
from xmppd.services.accounts.removal import Removal
from xmppd.services.accounts.sessions import REASONS, AccountSessions
from xmppd.services.invitations.errors import NoSuchInvitation, WrongName
from xmppd.services.invitations.invitations import SHOWN, Invitations
from xmppd.stanza.element import Element, FixedElement
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.stanza.forms import field, form, submission_in
from xmppd.stanza.jid import JID, InvalidJID, prepare_localpart
from xmppd.storage.interface import StorageError
from xmppd.stream.features import StreamFeature, StreamState

NS = "jabber:iq:register"
NS_FEATURE = "http://jabber.org/features/iq-register"
FETCHED, REGISTERED = "fetched", "registered"
HOUR_S = 3_600.0
DAY_S = 86_400.0
EVERYBODY = ""
ATTEMPTS_A_REGISTRATION = 5
"""How many attempts an address has for each account that it may make: names are taken, passwords are refused."""
STATE: Final = Attachment[str]("register")
OFFER: Final = FixedElement("register", NS_FEATURE)


class RegisterOptions(Options):
    """Who may make, change and remove accounts by themselves."""

    allow_registration: bool = False
    """Whether anybody who connects may make an account."""
    instructions: str = "Choose a user name and a password."
    """What is shown above the form."""
    registrations_per_hour: Annotated[int, Field(ge=1)] = 5
    """Accounts that can be made from one address in an hour."""
    registrations_per_day: Annotated[int, Field(ge=1)] = 200
    """Accounts that can be made in a day, from all addresses together."""
    allow_password_change: bool = True
    """Whether users may change their passwords in band."""
    allow_removal: bool = True
    """Whether users may remove their accounts in band."""


class Register(Module):
    """Makes, changes and removes accounts in band."""

    name = "register"
    summary = "In-Band Registration"
    xep = XEP(77, "2.4", "new accounts are off by default")
    features = (NS,)
    options = RegisterOptions
    uses = (Accounts, AccountSessions, Invitations, Removal)
    opt: RegisterOptions

    def start(self) -> None:
        """Find the services."""
        self._accounts = self.api.services[Accounts]
        self._sessions = self.api.services[AccountSessions]
        self._removal = self.api.services[Removal]
        self._invitations = self.api.services[Invitations]
        self._made = RateLimit(self.api.now, lambda: HOUR_S)
        self._attempts = RateLimit(self.api.now, lambda: HOUR_S)
        self._today = RateLimit(self.api.now, lambda: DAY_S)
        self.made = self.refused = 0
        """Accounts that were made in band, and those that were refused for being too many, since the start."""

    @property
    def _is_open(self) -> bool:
        return self.opt.allow_registration and self.api.host.settings.auth == "internal"

    @property
    def _is_invited(self) -> bool:
        return self._invitations.may_register(self.api.host.name)

    def stream_features(self) -> tuple[ClientFeature, ...]:
        """XEP-0077 8: announced to who is not authenticated yet; beside the feature of XEP-0445 as in its example."""
        if self.api.host.settings.auth != "internal":
            return ()
        return (
            StreamFeature(
                name="registration",
                needs=StreamState.SECURE,
                forbids=StreamState.AUTHENTICATED,
                offer=lambda stream: OFFER if self._is_open or self._is_invited else None,
            ),
        )

    # -- before authentication ----------------------------------------------------------------------------------------

    @on(events.UNBOUND_STANZA)
    def on_unbound_stanza(self, traffic: Traffic) -> object:
        """XEP-0077 3.1.1: somebody without an account asks for the form or sends it."""
        stanza, session = traffic.stanza, traffic.origin
        if session is None or session.username is not None or not stanza.has("query", NS):
            return None
        if stanza.type not in ("get", "set") or len(stanza.child_names) != 1:
            return None
        return self._stranger(traffic, session)

    @deferred
    async def _stranger(self, traffic: Traffic, session: Session) -> bool:
        if not self._is_open and session.attached(SHOWN) is None:
            raise (
                StanzaError("not-allowed", "An invitation is needed")
                if self._is_invited
                else StanzaError("service-unavailable")
            )
        if not session.is_secure:
            raise StanzaError("not-authorized", "Registration needs TLS")
        if traffic.stanza.type == "get":
            if session.attached(STATE) is None:
                session.attach(STATE, FETCHED)
                self._give_time(session)
            session.send(traffic.stanza.result(self._form()))
            return True
        if session.attached(STATE) == REGISTERED:
            raise StanzaError("not-acceptable", "One account can be made over one connection")
        await self._create(next(traffic.stanza.element.elements()), session)
        session.attach(STATE, REGISTERED)
        session.send(traffic.stanza.result())
        return True

    def _give_time(self, session: Session) -> None:
        """A person fills in a form: that takes longer than a program takes to authenticate."""
        if session.stream is not None:
            session.stream.set_deadline(self.api.host.settings.limits.registration_timeout_s)

    def _form(self) -> Element:
        instructions = Element("instructions", NS, children=[self.opt.instructions])
        fields = [
            field("username", "text-single", label="User name", extra=[Element("required", "jabber:x:data")]),
            field("password", "text-private", label="Password", extra=[Element("required", "jabber:x:data")]),
        ]
        shown = form("form", NS, fields, instructions=self.opt.instructions)
        return Element(
            "query", NS, children=[instructions, Element("username", NS), Element("password", NS), shown]
        )

    async def _create(self, query: Element, session: Session) -> None:
        if query.child("remove") is not None:
            raise StanzaError("unexpected-request", "There is no account to remove")
        username, password = _filled_in(query)
        if not username or not password:
            raise StanzaError("not-acceptable", "A user name and a password are needed")
        allowed, token = self.opt.registrations_per_hour, session.attached(SHOWN)
        if not self._attempts.take(session.peer, allowed * ATTEMPTS_A_REGISTRATION):
            raise self._too_many("Too many registrations from your address")
        jid = JID(_prepared(username), self.api.host.name, None)
        if self._accounts.exists(jid.bare):
            raise StanzaError("conflict", "This name is taken")
        if token is None and not self._made.take(session.peer, allowed):
            raise self._too_many("Too many registrations from your address")
        if token is None and not self._today.take(EVERYBODY, self.opt.registrations_per_day):
            raise self._too_many("Too many registrations today")
        try:
            if token is None:
                await self._accounts.create(jid, password)
            else:
                await self._invitations.register(token, jid, password, was_shown=True)
            self.made += 1
        except (AccountExists, AccountReserved, AccountTombstoned):
            raise StanzaError("conflict", "This name is taken") from None
        except NoSuchInvitation as error:
            raise StanzaError("item-not-found", str(error)) from None
        except (AccountError, WrongName) as error:
            raise StanzaError("not-acceptable", str(error)) from error
        except StorageError as error:
            raise StanzaError("resource-constraint", type="wait") from error

    def _too_many(self, words: str) -> StanzaError:
        self.refused += 1
        return StanzaError("resource-constraint", words)

    # -- users --------------------------------------------------------------------------------------------------------

    @iq("get", NS, "query", to=("host", "own"))
    def on_get(self, request: IQRequest) -> Element:
        """XEP-0077 3.1: a user is registered already."""
        session = self._user(request)
        children = [Element("registered", NS), Element("username", NS, children=[session.username or ""])]
        return Element("query", NS, children=[*children, Element("password", NS)])

    @iq("set", NS, "query", to=("host", "own"))
    @deferred
    async def on_set(self, request: IQRequest) -> None:
        """XEP-0077 3.2 and 3.3: remove the account, or change its password."""
        session, query = self._user(request), request.payload
        try:
            if query.child("remove") is not None:
                await self._remove(request, session)
            else:
                await self._change_password(request, session)
        except NoSuchAccount:
            raise StanzaError("registration-required", "There is no such account") from None

    def _user(self, request: IQRequest) -> Session:
        """Give the session of a user of this host; others have no business here."""
        session = request.origin
        if session is None or session.host != self.api.host.name:
            raise StanzaError("forbidden")
        if self.api.host.settings.auth != "internal":
            raise StanzaError("not-allowed", "This server makes and changes no accounts here")
        return session

    async def _remove(self, request: IQRequest, session: Session) -> None:
        """The session that asks hears the result before it ends as the others do."""
        if not self.opt.allow_removal:
            raise StanzaError("not-allowed", "Accounts are removed by the administrators")
        if len(list(request.payload.elements())) != 1:
            raise StanzaError("bad-request", "A removal says nothing else")
        await self._removal.remove(request.sender.with_resource(None), spared=session)
        session.send(request.stanza.result())
        session.close(StreamError(*REASONS[AccountEvent.REMOVED]))

    async def _change_password(self, request: IQRequest, session: Session) -> None:
        username, password = _filled_in(request.payload)
        if not username or not password:
            raise StanzaError("bad-request", "A user name and a password are needed")
        if not self.opt.allow_password_change:
            raise StanzaError("not-allowed", "Passwords are changed by the administrators")
        if not session.is_secure and not self.api.host.settings.c2s.allow_plain_without_tls:
            raise StanzaError("not-authorized", "A password is changed over TLS only")
        if _prepared(username) != session.username:
            raise StanzaError("not-allowed", "This is not your account")
        try:
            await self._sessions.change_password(request.sender.with_resource(None), password, session)
        except NoSuchAccount:
            raise
        except AccountError as error:
            raise StanzaError("not-acceptable", str(error)) from error


def _filled_in(query: Element) -> tuple[str | None, str | None]:
    """Give user name and password of a form (XEP-0077 4: it comes before the fields) or of the fields."""
    try:
        submitted = submission_in(query)
    except ValueError as error:
        raise StanzaError("bad-request", str(error)) from error
    if submitted is not None:
        return submitted.first("username"), submitted.first("password")
    return query.child_text("username"), query.child_text("password")


def _prepared(username: str) -> str:
    try:
        return prepare_localpart(username)
    except InvalidJID as error:
        raise StanzaError("not-acceptable", str(error)) from error

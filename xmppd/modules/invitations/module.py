"""Invitations: XEP-0401 0.6.0 (commands), XEP-0445 0.2.0 (registration), XEP-0379 0.3.3 (subscription).

What an invitation is and when it is used is in `xmppd.services.invitations`; over XMPP the account itself is made by
the module ``register``, and without a client by a page (``pages.py``). The features of registration are offered while
there is an invitation that it could be used with.
"""

from typing import Final

from xmppd.core import events
from xmppd.core.events import Traffic
from xmppd.core.http import HttpAnswer, HttpRequest
from xmppd.core.module import XEP, Module, http, on
from xmppd.core.rate_limit import RateLimit
from xmppd.core.roles import Roles
from xmppd.core.session import ClientFeature, Session
from xmppd.core.stations import NOTING
from xmppd.core.waiting import deferred
from xmppd.modules.invitations.commands import InvitationCommands
from xmppd.modules.invitations.options import InvitationsOptions
from xmppd.modules.invitations.pages import InvitationPages
from xmppd.services.discovery.commands import GATHERING, Menu
from xmppd.services.invitations.errors import NoSuchInvitation
from xmppd.services.invitations.invitations import SHOWN, Invitations
from xmppd.services.invitations.landing import LandingPages
from xmppd.services.roster.subscription_states import REQUEST
from xmppd.stanza.element import Element, FixedElement
from xmppd.stanza.errors import StanzaError
from xmppd.stream.features import StreamFeature, StreamState

NS: Final = "urn:xmpp:pars:0"
NS_FEATURE: Final = "urn:xmpp:ibr-token:0"
OFFER: Final = FixedElement("register", NS_FEATURE)
HOUR_S: Final = 3_600.0
PREAUTH: Final = ("preauth", NS)


class InvitationsModule(Module):
    """Lets users invite, and takes what is shown by who is invited."""

    name = "invitations"
    summary = "Invitations"
    xep = (
        XEP(379, "0.3.3"),
        XEP(401, "0.6.0"),
        XEP(445, "0.2.0"),
    )
    requires = ("commands", "register", "subscriptions")
    uses = (Invitations, LandingPages, Roles)
    options = InvitationsOptions
    opt: InvitationsOptions

    def start(self) -> None:
        """Find the service, and make the commands."""
        self._invitations = self.api.services[Invitations]
        self._attempts = RateLimit(self.api.now, lambda: HOUR_S)
        landing, roles = self.api.services[LandingPages], self.api.services[Roles]
        self._commands = InvitationCommands(self.api.host, self.opt, self._invitations, roles, landing.url)
        self._pages = InvitationPages(self.api, self.opt, self._invitations, self._attempts)

    def stream_features(self) -> tuple[ClientFeature, ...]:
        """XEP-0445 3: announced to who is not authenticated yet."""
        return (
            StreamFeature(
                name="preauth",
                needs=StreamState.SECURE,
                forbids=StreamState.AUTHENTICATED,
                offer=lambda stream: OFFER if self._invitations.may_register(self.api.host.name) else None,
            ),
        )

    @on(GATHERING)
    def on_gathering(self, menu: Menu) -> None:
        """Offer the commands (XEP-0401 3.1)."""
        menu.commands.extend(self._commands.all)

    # -- who is invited -----------------------------------------------------------------------------------------------

    @on(events.UNBOUND_STANZA)
    def on_unbound_stanza(self, traffic: Traffic) -> object:
        """XEP-0445 4: somebody without an account shows a token."""
        stanza, session = traffic.stanza, traffic.origin
        if session is None or session.username is not None or not stanza.has(*PREAUTH):
            return None
        if stanza.type != "set" or len(stanza.child_names) != 1:
            return None
        return self._shown(traffic, session)

    @deferred
    async def _shown(self, traffic: Traffic, session: Session) -> bool:
        if not session.is_secure:
            raise StanzaError("not-authorized", "Registration needs TLS")
        token = next(traffic.stanza.element.elements()).get("token")
        if not token:
            raise StanzaError("bad-request", "A token is needed")
        if not self._attempts.take(session.peer, self.opt.attempts_per_hour):
            raise StanzaError("resource-constraint", "Too many tokens from your address")
        try:
            invitation = await self._invitations.find(self.api.host.name, token)
        except NoSuchInvitation:
            invitation = None
        if invitation is None or not invitation.makes_accounts:
            raise StanzaError("item-not-found", "The provided token is invalid or expired")
        session.attach(SHOWN, token)
        session.send(traffic.stanza.result())
        return True

    # -- the pages for who has no program yet -------------------------------------------------------------------------

    @http("GET", "/invite/{token}")
    def on_invite_page(self, request: HttpRequest) -> HttpAnswer:
        """Who invites, and how to go on (XEP-0379 3.3)."""
        return self._pages.answer(request, self._pages.invite)

    @http("GET", "/register/{token}")
    def on_register_page(self, request: HttpRequest) -> HttpAnswer:
        """The form for an account."""
        return self._pages.answer(request, self._pages.register)

    @http("POST", "/register/{token}")
    def on_register(self, request: HttpRequest) -> HttpAnswer:
        """An account is made."""
        return self._pages.answer(request, self._pages.register)

    @http("GET", "/reset/{token}")
    def on_reset_page(self, request: HttpRequest) -> HttpAnswer:
        """The form for another password."""
        return self._pages.answer(request, self._pages.reset)

    @http("POST", "/reset/{token}")
    def on_reset(self, request: HttpRequest) -> HttpAnswer:
        """Another password is set."""
        return self._pages.answer(request, self._pages.reset)

    @http("GET", "/invitation/style.css")
    def on_style(self, request: HttpRequest) -> HttpAnswer:
        """The style of all of them."""
        return self._pages.style()

    # -- who becomes a contact ----------------------------------------------------------------------------------------

    @on(events.ACCOUNT_PRESENCE, NOTING)
    def on_account_presence(self, traffic: Traffic) -> object:
        """XEP-0379 3.5: a request with a good token is approved in advance, and answered by one of our own."""
        stanza = traffic.stanza
        if stanza.type != REQUEST or not stanza.has(*PREAUTH):
            return None
        return self._asked(traffic, _preauth_in(stanza.element))

    @deferred
    async def _asked(self, traffic: Traffic, token: str) -> None:
        """A token that is not good is passed over (XEP-0379 4.1): who has invited is asked."""
        owner, contact = traffic.target.with_resource(None), traffic.sender.with_resource(None)
        if token and self._attempts.take(contact.bare, self.opt.attempts_per_hour):
            await self._invitations.accept(token, owner, contact)


def _preauth_in(presence: Element) -> str:
    found = presence.child(*PREAUTH)
    return (found.get("token") or "") if found is not None else ""

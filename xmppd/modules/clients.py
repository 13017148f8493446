"""The clients of an account, as its user sees them: XEP-0494 0.1. The rules are in `xmppd.services.login.clients`.

Covered: listing and revoking. Every client has unrestricted access: there are no grants here. Revoking takes a client's
tokens and ends its sessions in any case; where it knows the password, the answer says that it can come again.
"""

from typing import Annotated, Final

from xmppd.config.fields import Field
from xmppd.core import events
from xmppd.core.events import IQRequest, Unbound
from xmppd.core.module import XEP, Module, Options, iq, on
from xmppd.core.session import Session
from xmppd.core.stations import NOTING
from xmppd.core.waiting import deferred
from xmppd.services.login.clients import Clients, Keeping, NoSuchClient
from xmppd.services.login.listed_clients import Client
from xmppd.services.login.login import LOGIN_BEGINNING, LOGIN_SUCCEEDED, Login
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.stamps import stamp_of
from xmppd.storage.interface import StorageError

NS: Final = "urn:xmpp:cam:0"
DAY_S: Final = 86_400.0


class ClientsOptions(Options):
    """What is kept of clients (XEP-0494, privacy considerations)."""

    keep_days: Annotated[float, Field(gt=0, le=3_650)] = 90.0
    """A client is forgotten, with its tokens, so long after it was last there."""
    keep_addresses: bool = True
    """Whether the address from which a client last came is kept."""


class ClientsModule(Module):
    """Notes the clients of accounts, lists them to their user, and revokes them."""

    name = "clients"
    summary = "Client Access Management"
    xep = XEP(494, "0.1", "no grants")
    account_features = (NS,)
    options = ClientsOptions
    uses = (Clients,)
    opt: ClientsOptions

    def start(self) -> None:
        """Find the service, and tell it what to keep."""
        self._clients = self.api.services[Clients]
        self._clients.keeping[self.api.host.name] = Keeping(
            self.opt.keep_days * DAY_S, self.opt.keep_addresses
        )

    @on(LOGIN_BEGINNING, NOTING)
    def on_beginning(self, login: Login) -> None:
        """Note when: a client may be revoked before it is let in."""
        self._clients.beginning(login)

    @on(LOGIN_SUCCEEDED, NOTING)
    def on_login(self, login: Login) -> object:
        """Note who logs in."""
        return self._clients.logging_in(login)

    @on(events.RESOURCE_BOUND)
    def on_bound(self, session: Session) -> None:
        """Note under which resource."""
        self._clients.bound(session)

    @on(events.RESOURCE_UNBOUND, NOTING)
    def on_unbound(self, unbound: Unbound) -> None:
        """Note until when."""
        self._clients.left(unbound.session)

    @iq("get", NS, "list", to="own")
    @deferred
    async def on_list(self, request: IQRequest) -> Element:
        """List the account's clients (3.1)."""
        clients = await self._clients.listed(request.target.bare)
        return Element("clients", NS, children=[_element(client) for client in clients])

    @iq("set", NS, "revoke", to="own")
    @deferred
    async def on_revoke(self, request: IQRequest) -> None:
        """Take a client's access away (3.2)."""
        id = request.payload.get("id")
        if not id:
            raise StanzaError("bad-request", "Which client?")
        try:
            revoked = await self._clients.revoke(request.target.bare, id, "Revoked by the user")
        except NoSuchClient:
            raise StanzaError("item-not-found") from None
        except StorageError as error:
            raise StanzaError("resource-constraint", type="wait") from error
        if revoked.knows_password:
            raise StanzaError(
                "service-unavailable",
                "The client is logged out, but it knows the password",
                extra=Element("password-reset-required", NS),
            )


def _element(client: Client) -> Element:
    methods = [Element(name, NS) for name, is_known in _methods(client) if is_known]
    agent = [
        Element(name, NS, children=[text])
        for name, text in (("software", client.software or client.tag), ("device", client.device))
        if text
    ]
    is_connected = "true" if client.sessions else "false"
    children = [
        Element("first-seen", NS, children=[stamp_of(int(client.first_seen))]),
        Element("last-seen", NS, children=[stamp_of(int(client.last_seen))]),
        Element("auth", NS, children=[*methods]),
        Element("permission", NS, {"status": "unrestricted"}),
        Element("user-agent", NS, children=[*agent]),
    ]
    return Element("client", NS, {"connected": is_connected, "id": client.id, "type": "session"}, children)


def _methods(client: Client) -> tuple[tuple[str, bool], ...]:
    return ("password", client.knows_password), ("fast", client.token_expires_at is not None)

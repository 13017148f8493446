"""Commands about the user's own clients (XEP-0050), for users whose client does not know XEP-0494.

They are commands of the user's domain and not of the account, since the domain is where clients, Gajim and Psi among
them, offer commands to their users; whose clients are meant follows from who asks.
"""

from typing import Final

from xmppd.core.module import Module, on
from xmppd.core.waiting import deferred
from xmppd.services.discovery.commands import (
    GATHERING,
    Command,
    Execution,
    Menu,
    Note,
    Stage,
    is_user,
    refused,
)
from xmppd.services.login.clients import Clients, NoSuchClient
from xmppd.services.login.listed_clients import Client
from xmppd.stanza import forms
from xmppd.stanza.stamps import stamp_of

LIST, REVOKE = "clients/list", "clients/revoke"
CLIENT: Final = "client"
COLUMNS: Final = {
    "name": "Name",
    "resource": "Resource",
    "address": "Address",
    "tls": "TLS",
    "token-until": "Logs in by a token until",
    "last-seen": "Last seen",
    "state": "State",
    CLIENT: "Client",
}


class ClientCommands(Module):
    """Lets users list their clients and revoke one, by any client that knows commands."""

    name = "client_commands"
    summary = "Commands about one's own clients"
    requires = ("commands", "clients")
    uses = (Clients,)

    def start(self) -> None:
        """Find the service, and make the commands."""
        self._clients = self.api.services[Clients]
        self._commands = (
            Command(LIST, "List my clients", (self.on_list,), is_user),
            Command(REVOKE, "Revoke one of my clients", (self.on_choose, self.on_revoke), is_user),
        )

    @on(GATHERING)
    def on_gathering(self, menu: Menu) -> None:
        """Offer them."""
        menu.commands.extend(self._commands)

    @deferred
    async def on_list(self, execution: Execution) -> Stage:
        """Show the clients of who asks."""
        clients = await self._clients.listed(execution.sender.bare)
        return Stage(
            forms.table(COLUMNS, [_row(client, execution) for client in clients], title="Your clients")
        )

    @deferred
    async def on_choose(self, execution: Execution) -> Stage:
        """Ask which one."""
        clients = await self._clients.listed(execution.sender.bare)
        field = forms.choice(CLIENT, [(client.id, _line(client, execution)) for client in clients])
        return Stage(
            forms.form(
                "form",
                "",
                [field],
                title="Revoke a client",
                instructions="Its sessions end, and it can no longer log in by a token. All others stay.",
            )
        )

    @deferred
    async def on_revoke(self, execution: Execution) -> Stage:
        """Revoke it, and nothing else."""
        id = execution.answers[0].first(CLIENT)
        if not id:
            raise refused("bad-payload", "Which client?")
        try:
            revoked = await self._clients.revoke(execution.sender.bare, id, "Revoked by the user")
        except NoSuchClient:
            raise refused("bad-payload", "You have no such client") from None
        notes = [Note("The client is revoked; sessions ended: " + (", ".join(revoked.ended) or "none"))]
        if revoked.knows_password:
            notes.append(Note("It knows your password and can come again: change the password.", "warn"))
        return Stage(notes=tuple(notes))


def _row(client: Client, execution: Execution) -> tuple[str, ...]:
    until = client.token_expires_at
    return (
        client.called,
        client.resource,
        client.address,
        "yes" if client.is_secure else "no",
        "" if until is None else stamp_of(int(until)),
        stamp_of(int(client.last_seen)),
        _state(client, execution),
        client.id,
    )


def _line(client: Client, execution: Execution) -> str:
    """Give all that is known of a client in a line."""
    name, resource, address, tls, until, seen, state, _ = _row(client, execution)
    words = (
        name,
        resource,
        address,
        "TLS" if tls == "yes" else "no TLS",
        until and f"token until {until}",
        f"last seen {seen}",
        state,
    )
    return ", ".join(word for word in words if word)


def _state(client: Client, execution: Execution) -> str:
    if execution.sender.full in [session.full_jid for session in client.sessions]:
        return "this client"
    if not client.sessions:
        return "away"
    return "connected" if any(session.conn is not None for session in client.sessions) else "expected back"

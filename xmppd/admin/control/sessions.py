"""Control commands about sessions and clients: who is connected, ending it, and keeping a client out."""

from datetime import UTC, datetime

from xmppd.admin.control.answers import ClientRow, Kicked, Revoked, SessionRow
from xmppd.admin.control.names import account_address, address, with_accounts
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.core.operations.running import does
from xmppd.core.session import Session
from xmppd.core.waiting import deferred
from xmppd.services.login.clients import ATTACHED, LoggedIn, NoSuchClient, id_of
from xmppd.services.login.listed_clients import Client
from xmppd.stanza.errors import StreamError
from xmppd.stanza.jid import JID

KICKED = "policy-violation"
"""RFC 6120 4.9.3.14: a local service policy ended the stream; clients do not come back at once by themselves."""


@does("session.list")
def session_list(parts: ControlParts, jid: str | None = None) -> list[SessionRow]:
    """Give the sessions of all, of a host, of an account, or the one with a full JID; sorted by JID."""
    found = list(parts.registry) if jid is None else _of(parts, address(parts.hosts, jid))
    return [_row(session) for session in sorted(found, key=lambda session: session.full_jid or "")]


@does("session.kick")
def session_kick(parts: ControlParts, jid: str, reason: str | None = None) -> Kicked:
    """End the session with a full JID, or all sessions of an account; gives the JIDs that were ended."""
    who = address(parts.hosts, jid)
    if who.localpart is None:
        raise ControlError(
            "bad-arguments", f"{jid} is a host; give an account's JID, or one with its resource"
        )
    ended = end_sessions(parts, _of(parts, who), reason or "Ended by an administrator")
    if not ended:
        remedy = "xmppctl session list" if who.is_bare else f"xmppctl session list {who.bare}"
        raise ControlError("no-such-session", f"{jid} is not connected; to see who is: {remedy}")
    return {"jids": ended}


@does("session.clients")
@deferred
async def session_clients(parts: ControlParts, jid: str) -> list[ClientRow]:
    """Give the clients of an account, those that are connected first, then those that were there last."""
    account = account_address(parts.hosts, jid)
    return [_client_row(client) for client in await parts.clients.listed(account.bare)]


@does("session.revoke")
@deferred
async def session_revoke(
    parts: ControlParts, jid: str, client: str | None = None, reason: str | None = None
) -> Revoked:
    """Take the tokens of a client away and end its sessions; of all clients of an account where none is named.

    *jid* is an account's, or the full JID of a session, which names its client. Gives the clients, the JIDs that were
    ended, and those clients that know the password and can come again.
    """
    who = address(parts.hosts, jid)
    if who.localpart is None:
        raise ControlError(
            "bad-arguments", f"{jid} is a host; give an account's JID, or one with its resource"
        )
    ids = [client] if client is not None else await _clients_of(parts, who)
    ended: list[str] = []
    knowing: list[str] = []
    for id in ids:
        try:
            revoked = await parts.clients.revoke(who.bare, id, reason or "Revoked by an administrator")
        except NoSuchClient:
            remedy = f"xmppctl session clients {who.bare}"
            raise ControlError(
                "no-such-client", f"{who.bare} has no client {id}; to see which: {remedy}"
            ) from None
        ended += revoked.ended
        if revoked.knows_password:
            knowing.append(id)
    return {"clients": ids, "ended": ended, "knowing_password": knowing}


async def _clients_of(parts: ControlParts, who: JID) -> list[str]:
    if who.is_bare:
        return [client.id for client in await parts.clients.listed(who.bare)]
    session = parts.registry.get(who.full)
    if session is None:
        raise ControlError(
            "no-such-session", f"{who.full} is not connected; to see who is: xmppctl session list {who.bare}"
        )
    return [id_of(session)]


def end_sessions(parts: ControlParts, sessions: tuple[Session, ...], text: str) -> list[str]:
    """Close these sessions with a text for their users; gives their full JIDs."""
    jids = [session.full_jid for session in sessions if session.full_jid is not None]
    for session in sessions:
        session.close(StreamError(KICKED, text))
    return jids


def _of(parts: ControlParts, who: JID) -> tuple[Session, ...]:
    if who.localpart is None:
        with_accounts(parts.hosts, who.domainpart)
        return tuple(session for session in parts.registry if session.host == who.domainpart)
    if who.is_bare:
        return parts.registry.resources(who.bare)
    session = parts.registry.get(who.full)
    return () if session is None else (session,)


def _client_row(client: Client) -> ClientRow:
    return {
        "client": client.id,
        "software": client.software,
        "device": client.device,
        "tag": client.tag,
        "resource": client.resource,
        "address": client.address,
        "tls": client.is_secure,
        "since": _stamp(client.first_seen),
        "last_seen": _stamp(client.last_seen),
        "knows_password": client.knows_password,
        "token_until": None if client.token_expires_at is None else _stamp(client.token_expires_at),
        "jids": [session.full_jid or "" for session in client.sessions],
    }


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _row(session: Session) -> SessionRow:
    said: LoggedIn = session.attached(ATTACHED) or LoggedIn("", "", "", "", False)
    return {
        "jid": session.full_jid or "",
        "address": session.peer,
        "tls": session.is_secure,
        "priority": session.priority if session.is_available else None,
        "since": _stamp(session.opened_at),
        "available": session.is_available,
        "interested": session.is_interested,
        "attached": session.conn is not None,
        "client": id_of(session),
        "software": said.software,
        "device": said.device,
        "tag": said.tag,
        "by_token": said.is_by_token,
    }

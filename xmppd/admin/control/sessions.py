"""Control commands about sessions: who is connected, and ending it."""

from datetime import UTC, datetime
from typing import Any

from xmppd.admin.control.commands import command
from xmppd.admin.control.names import address, served
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.core.session import Session
from xmppd.stanza.errors import StreamError
from xmppd.stanza.jid import JID

KICKED = "policy-violation"
"""RFC 6120 4.9.3.14: a local service policy ended the stream; clients do not come back at once by themselves."""


@command("session.list")
def session_list(parts: ControlParts, jid: str | None = None) -> list[dict[str, Any]]:
    """Give the sessions of all, of a host, of an account, or the one with a full JID; sorted by JID."""
    found = list(parts.registry) if jid is None else _of(parts, address(parts.hosts, jid))
    return [_row(session) for session in sorted(found, key=lambda session: session.full_jid or "")]


@command("session.kick")
def session_kick(parts: ControlParts, jid: str, reason: str | None = None) -> dict[str, Any]:
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


def end_sessions(parts: ControlParts, sessions: tuple[Session, ...], text: str) -> list[str]:
    """Close these sessions with a text for their users; gives their full JIDs."""
    jids = [session.full_jid for session in sessions if session.full_jid is not None]
    for session in sessions:
        session.close(StreamError(KICKED, text))
    return jids


def _of(parts: ControlParts, who: JID) -> tuple[Session, ...]:
    if who.localpart is None:
        served(parts.hosts, who.domainpart)
        return tuple(session for session in parts.registry if session.host == who.domainpart)
    if who.is_bare:
        return parts.registry.resources(who.bare)
    session = parts.registry.get(who.full)
    return () if session is None else (session,)


def _row(session: Session) -> dict[str, Any]:
    return {
        "jid": session.full_jid,
        "address": session.peer,
        "tls": session.is_secure,
        "priority": session.priority if session.is_available else None,
        "since": datetime.fromtimestamp(session.opened_at, UTC).isoformat(timespec="seconds"),
        "available": session.is_available,
        "interested": session.is_interested,
        "attached": session.conn is not None,
    }

"""Operations on sessions: who is connected, and by which clients."""

from collections.abc import Iterable, Sequence
from typing import Final

from xmppd.admin.control.answers import ClientRow, Kicked, Revoked, SessionRow
from xmppd.core.operations.declaring import Args, Argument, Kind, Operation, Subject, option
from xmppd.core.operations.showing import Block, Line, computed, moment, rows, table

REASON: Final = option("reason", "What the user is told.")


def _name(client: ClientRow | SessionRow) -> str:
    """Give what a client is called: its program, or its tag, and its device."""
    name = client.get("software") or client.get("tag") or ""
    return f"{name} ({client['device']})" if client.get("device") else name


def _state(session: SessionRow) -> str:
    words = ["available" if session["available"] else "connected"]
    if session["interested"]:
        words.append("interested")
    if not session["attached"]:
        words.append("waiting for its client")
    return ", ".join(words)


def _client_state(client: ClientRow) -> str:
    return "connected" if client["jids"] else "away"


_sessions = rows(
    jid="JID",
    address="Address",
    tls="TLS",
    priority="Priority",
    since=moment("Since"),
    state=computed("State", _state),
    client=computed("Client", _name),
)


def _listed(sessions: Sequence[SessionRow], args: Args) -> Iterable[Block]:
    if sessions:
        yield _sessions(sessions)
    else:
        yield Line(f"{args['jid']} is not connected" if "jid" in args else "nobody is connected")


def _kicked(result: Kicked, args: Args) -> Iterable[Block]:
    return [Line(f"{ended} ended") for ended in result["jids"]]


def _revoked(result: Revoked, args: Args) -> Iterable[Block]:
    for each in result["clients"]:
        knows = each in result["knowing_password"]
        yield Line(f"{each} revoked" + ("; it knows the password and can come again" if knows else ""))
    for ended in result["ended"]:
        yield Line(f"{ended} ended")


SUBJECT: Final = Subject(
    "session",
    "Sessions",
    "Sessions: who is connected, and by which clients.",
    (
        Operation(
            "session.list",
            "List all sessions, or those of JID: a host, an account, or a full JID.",
            (Argument("jid", kind=Kind.ADDRESS, is_required=False),),
            _listed,
        ),
        Operation(
            "session.kick",
            "End the session with a full JID, or all sessions of an account.",
            (Argument("jid", kind=Kind.ADDRESS), REASON),
            _kicked,
        ),
        Operation(
            "session.clients",
            "List the clients of the account JID, connected or not.",
            (Argument("jid", kind=Kind.ACCOUNT),),
            table(
                "{jid} has no clients",
                client="Client",
                name=computed("Name", _name),
                resource="Resource",
                address="Address",
                tls="TLS",
                since=moment("Since"),
                last_seen=moment("Last seen"),
                token_until=moment("Token until"),
                state=computed("State", _client_state),
            ),
        ),
        Operation(
            "session.revoke",
            "Take a client's tokens and end its sessions.",
            (Argument("jid", kind=Kind.ADDRESS), Argument("client", is_required=False), REASON),
            _revoked,
            "JID is an account, with CLIENT as `session clients` lists it, or for all its clients; or the full JID of "
            "a session.",
        ),
    ),
)

"""``xmppctl session``: who is connected, and by which clients."""

import click

from xmppd.admin.control.answers import ClientRow, Kicked, Revoked, SessionRow
from xmppd.admin.xmppctl.groups import Group, pass_tool
from xmppd.admin.xmppctl.output import as_json, local_time, say, table, yes
from xmppd.admin.xmppctl.tool import Tool


@click.group(cls=Group, short_help="Sessions: list, kick, clients, revoke.")
def session() -> None:
    """Sessions: who is connected, and by which clients."""


@session.command("list")
@click.argument("jid", required=False)
@pass_tool
def list_sessions(tool: Tool, jid: str | None) -> None:
    """List all sessions, or those of JID: a host, an account, or a full JID."""
    sessions: list[SessionRow] = tool.ask_server("session.list", jid=jid)
    if tool.is_json:
        as_json(sessions)
    elif not sessions:
        say("nobody is connected" if jid is None else f"{jid} is not connected")
    else:
        headings = ("JID", "Address", "TLS", "Priority", "Since", "State", "Client")
        table(headings, [_row(each) for each in sessions], right=(3,))


@session.command()
@click.argument("jid")
@click.option("--reason", metavar="TEXT", help="What the user is told.")
@pass_tool
def kick(tool: Tool, jid: str, reason: str | None) -> None:
    """End the session with a full JID, or all sessions of an account."""
    result: Kicked = tool.ask_server("session.kick", jid=jid, reason=reason)
    if tool.is_json:
        as_json(result)
        return
    for ended in result["jids"]:
        say(f"{ended} ended")


@session.command()
@click.argument("jid")
@pass_tool
def clients(tool: Tool, jid: str) -> None:
    """List the clients of the account JID, connected or not."""
    found: list[ClientRow] = tool.ask_server("session.clients", jid=jid)
    if tool.is_json:
        as_json(found)
    elif not found:
        say(f"{jid} has no clients")
    else:
        headings = (
            "Client",
            "Name",
            "Resource",
            "Address",
            "TLS",
            "Since",
            "Last seen",
            "Token until",
            "State",
        )
        table(headings, [_client_row(each) for each in found])


@session.command()
@click.argument("jid")
@click.argument("client", required=False)
@click.option("--reason", metavar="TEXT", help="What the user is told.")
@pass_tool
def revoke(tool: Tool, jid: str, client: str | None, reason: str | None) -> None:
    """Take a client's tokens and end its sessions.

    JID is an account, with CLIENT as `session clients` lists it, or for all its clients; or the full JID of a session.
    """
    result: Revoked = tool.ask_server("session.revoke", jid=jid, client=client, reason=reason)
    if tool.is_json:
        as_json(result)
        return
    for each in result["clients"]:
        knows = each in result["knowing_password"]
        say(f"{each} revoked" + ("; it knows the password and can come again" if knows else ""))
    for ended in result["ended"]:
        say(f"{ended} ended")


def _client_row(client: ClientRow) -> tuple[str, ...]:
    until = "" if client["token_until"] is None else local_time(client["token_until"])
    since, seen = local_time(client["since"]), local_time(client["last_seen"])
    state = "connected" if client["jids"] else "away"
    where = client["resource"], client["address"], yes(client["tls"])
    return client["client"], _name(client), *where, since, seen, until, state


def _name(client: ClientRow | SessionRow) -> str:
    """Give what a client is called: its program, or its tag, and its device."""
    name = client.get("software") or client.get("tag") or ""
    return f"{name} ({client['device']})" if client.get("device") else name


def _row(session: SessionRow) -> tuple[str, ...]:
    priority = "" if session["priority"] is None else str(session["priority"])
    since = local_time(session["since"])
    shown = session["jid"], session["address"], yes(session["tls"]), priority, since, _state(session)
    return *shown, _name(session)


def _state(session: SessionRow) -> str:
    words = ["available" if session["available"] else "connected"]
    if session["interested"]:
        words.append("interested")
    if not session["attached"]:
        words.append("waiting for its client")
    return ", ".join(words)

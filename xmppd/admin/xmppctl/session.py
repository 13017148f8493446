"""``xmppctl session``: who is connected."""

from typing import Any

import click

from xmppd.admin.xmppctl.groups import Group, pass_tool
from xmppd.admin.xmppctl.output import as_json, local_time, say, table, yes
from xmppd.admin.xmppctl.tool import Tool


@click.group(cls=Group, short_help="Sessions: list, kick.")
def session() -> None:
    """Sessions: who is connected."""


@session.command("list")
@click.argument("jid", required=False)
@pass_tool
def list_sessions(tool: Tool, jid: str | None) -> None:
    """List all sessions, or those of JID: a host, an account, or a full JID."""
    sessions = tool.ask_server("session.list", jid=jid)
    if tool.is_json:
        as_json(sessions)
    elif not sessions:
        say("nobody is connected" if jid is None else f"{jid} is not connected")
    else:
        headings = ("JID", "Address", "TLS", "Priority", "Since", "State")
        table(headings, [_row(each) for each in sessions], right=(3,))


@session.command()
@click.argument("jid")
@click.option("--reason", metavar="TEXT", help="What the user is told.")
@pass_tool
def kick(tool: Tool, jid: str, reason: str | None) -> None:
    """End the session with a full JID, or all sessions of an account."""
    result = tool.ask_server("session.kick", jid=jid, reason=reason)
    if tool.is_json:
        as_json(result)
        return
    for ended in result["jids"]:
        say(f"{ended} ended")


def _row(session: dict[str, Any]) -> tuple[str, ...]:
    priority = "" if session["priority"] is None else str(session["priority"])
    since = local_time(session["since"])
    return session["jid"], session["address"], yes(session["tls"]), priority, since, _state(session)


def _state(session: dict[str, Any]) -> str:
    words = ["available" if session["available"] else "connected"]
    if session["interested"]:
        words.append("interested")
    if not session["attached"]:
        words.append("waiting for its client")
    return ", ".join(words)

"""``xmppctl s2s``: connections with other servers."""

import click

from xmppd.admin.control.answers import Federated, PeerQueue, PeersClosed, PeerStream
from xmppd.admin.xmppctl.groups import Group, pass_tool
from xmppd.admin.xmppctl.output import as_json, local_time, say, table
from xmppd.admin.xmppctl.tool import Tool

SHOWN_NAMES = 2


@click.group("s2s", cls=Group, short_help="Other servers: list, show, close, connect.")
def s2s() -> None:
    """Other servers: streams both ways, and what waits for them."""


@s2s.command("list")
@pass_tool
def list_peers(tool: Tool) -> None:
    """List all streams with other servers, and the queues to them."""
    found: Federated = tool.ask_server("s2s.list")
    if tool.is_json:
        as_json(found)
    elif not found["streams"] and not found["queues"]:
        say("there is no connection with any other server")
    else:
        _show(found)


@s2s.command()
@click.argument("domain")
@pass_tool
def show(tool: Tool, domain: str) -> None:
    """Show the streams and queues with the server of DOMAIN, its certificate, and what was wrong last."""
    found: Federated = tool.ask_server("s2s.list", domain=domain)
    if tool.is_json:
        as_json(found)
        return
    if not found["streams"] and not found["queues"]:
        say(f"there is no connection with {domain}")
        return
    _show(found)
    for stream in found["streams"]:
        for pair in stream["proven"]:
            say(f"proven: {pair}")
    for queue in found["queues"]:
        if queue["error"] is not None:
            say(f"{queue['ours']} to {queue['theirs']}: {queue['error']}")


@s2s.command()
@click.argument("domain")
@pass_tool
def close(tool: Tool, domain: str) -> None:
    """End all streams with the server of DOMAIN; what waits for it goes back to its senders."""
    result: PeersClosed = tool.ask_server("s2s.close", domain=domain)
    if tool.is_json:
        as_json(result)
    else:
        say(f"{domain}: {result['streams']} streams and {result['queues']} queues ended")


@s2s.command()
@click.argument("domain")
@click.option("--from", "host", metavar="HOST", help="The domain of ours; without it the first host.")
@pass_tool
def connect(tool: Tool, domain: str, host: str | None) -> None:
    """Look for the server of DOMAIN now, however long it was to be left alone."""
    result: PeerQueue = tool.ask_server("s2s.connect", domain=domain, host=host)
    if tool.is_json:
        as_json(result)
    else:
        way = f"{result['ours']} to {result['theirs']}"
        say(f"{way}: {result['state']}; to see what comes of it: xmppctl s2s show {domain}")


def _show(found: Federated) -> None:
    if found["streams"]:
        headings = ("Way", "Domain", "Ours", "Address", "TLS", "By", "Certificate", "Expires")
        table(headings, [_stream(each) for each in found["streams"]])
    if found["queues"]:
        headings = ("Domain", "Ours", "State", "Waiting", "Bytes", "Unconfirmed", "Next attempt", "Error")
        table(headings, [_queue(each) for each in found["queues"]], right=(3, 4, 5))


def _stream(row: PeerStream) -> tuple[str, ...]:
    names = ", ".join(row["names"][:SHOWN_NAMES]) + (" …" if len(row["names"]) > SHOWN_NAMES else "")
    certificate = names if row["trusted"] or not names else f"{names} (not believed)"
    expires = "" if row["expires"] is None else local_time(row["expires"])
    return (
        row["direction"],
        row["theirs"],
        row["ours"],
        row["address"],
        row["tls"],
        row["by"],
        certificate,
        expires,
    )


def _queue(row: PeerQueue) -> tuple[str, ...]:
    retry = "" if row["retry_at"] is None else local_time(row["retry_at"])
    numbers = str(row["waiting"]), str(row["waiting_bytes"]), str(row["unconfirmed"])
    return row["theirs"], row["ours"], row["state"], *numbers, retry, row["error"] or ""

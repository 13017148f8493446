"""``xmppctl init``: what a new domain begins with."""

import importlib
import sys
from pathlib import Path

import click

from xmppd.admin.control.wire import ControlError
from xmppd.admin.xmppctl.groups import Command, pass_tool
from xmppd.admin.xmppctl.output import as_json, say
from xmppd.admin.xmppctl.tool import Tool

FILE = "xmppd.toml"


@click.command(cls=Command)
@click.argument("domain")
@click.option(
    "--admin", metavar="JID", help="Who administers the server; else admin@DOMAIN, or you are asked."
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder of the data; else xmppd-data beside the configuration.",
)
@click.option("--machine", metavar="NAME", help="The machine's name in DNS; else the domain itself.")
@click.option(
    "--address", "addresses", multiple=True, metavar="IP", help="The machine's addresses; else its own."
)
@pass_tool
def init(
    tool: Tool,
    domain: str,
    admin: str | None,
    data: Path | None,
    machine: str | None,
    addresses: tuple[str, ...],
) -> None:
    """Write a configuration for DOMAIN, and say what comes next.

    The file is that of --config, else xmppd.toml here; one that is there is not touched. Beside it a certificate is
    made to begin with. DNS records and commands are printed, for you to use.
    """
    beginning = importlib.import_module("xmppd.admin.beginning")
    probes = importlib.import_module("xmppd.admin.check.machine")
    try:
        name = beginning.checked(domain)
        file = tool.config_file or Path(FILE)
        new = beginning.Beginning(
            domain=name,
            file=file,
            data_dir=(data or file.parent / "xmppd-data").absolute(),
            admin=admin or _asked(f"admin@{name}"),
            machine=machine or name,
            addresses=addresses or probes.public(probes.own_addresses()),
        )
        written = beginning.write(new, probes.utc_now())
    except beginning.CannotBegin as error:
        raise ControlError("not-begun", str(error)) from error
    records, commands = beginning.records(new), beginning.commands(new)
    if tool.is_json:
        shown = [{"what": what, "command": command} for what, command in commands]
        as_json({"files": [str(each) for each in written], "dns": records, "next": shown})
        return
    for path in written:
        say(f"{path} written")
    say("\nDNS, in the zone of the domain:\n")
    for line in records:
        say(f"  {line}")
    say("\nWhat comes next:")
    for what, command in commands:
        say(f"\n  # {what}\n  {command}")


def _asked(default: str) -> str:
    if not sys.stdin.isatty():
        return default
    return str(click.prompt("Who administers the server, as an account of it", default, err=True))

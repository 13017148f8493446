"""``xmppctl host``: domains, and the data of those that are served no more."""

import sys

import click

from xmppd.admin.control.answers import DomainRow, Purged, Renamed
from xmppd.admin.control.wire import ControlError
from xmppd.admin.xmppctl.groups import Group, pass_tool
from xmppd.admin.xmppctl.output import as_json, count, say, table, yes
from xmppd.admin.xmppctl.tool import Tool


@click.group(cls=Group, short_help="Domains: list, rename, purge.")
def host() -> None:
    """Domains: those that are served, and those that have data and are not.

    A domain is served where the configuration has it. One that was renamed there leaves its accounts behind under the
    old name.
    """


@host.command("list")
@pass_tool
def list_hosts(tool: Tool) -> None:
    """List the domains that are served or have accounts."""
    found: list[DomainRow] = tool.ask_accounts("host.list")
    if tool.is_json:
        as_json(found)
        return
    rows = [(each["host"], yes(each["served"]), f"{each['accounts']:,}") for each in found]
    table(("Host", "Served", "Accounts"), rows, right=(2,))


@host.command()
@click.argument("old")
@click.argument("new")
@pass_tool
def rename(tool: Tool, old: str, new: str) -> None:
    """Give the data of OLD, served no more, to NEW, which is.

    While the server is stopped. Accounts keep all that they have, and each other as contacts; contacts on other servers
    know them by the old name, and what was sent keeps it.
    """
    result: Renamed = tool.ask_accounts("host.rename", old=old, new=new)
    if tool.is_json:
        as_json(result)
    else:
        say(f"{count(result['accounts'], 'account')} of {old} now of {new}")


@host.command()
@click.argument("name")
@click.option("--yes", "-y", "is_meant", is_flag=True, help="Do not ask whether it is meant.")
@pass_tool
def purge(tool: Tool, name: str, is_meant: bool) -> None:
    """Remove all data of NAME, which is not served. On a terminal it is asked first."""
    with tool.accounts() as connection:
        found = {each["host"]: each["accounts"] for each in connection.call("host.list", {})}
        if not is_meant and _is_terminal() and found.get(name):
            accounts = count(found[name], "account")
            if not click.confirm(
                f"Remove {accounts} of {name} with all data? They cannot be brought back", err=True
            ):
                raise ControlError("not-meant", f"{name} is as it was")
        result: Purged = connection.call("host.purge", {"host": name})
    if tool.is_json:
        as_json(result)
    else:
        say(f"{name} removed, with {count(result['accounts'], 'account')}")


def _is_terminal() -> bool:
    return sys.stdin.isatty()

"""``xmppctl selftest``: what users do, done by two throw-away accounts."""

import importlib
from typing import Any

import click

from xmppd.admin.control.client import ControlClient
from xmppd.admin.control.wire import ENDED, ControlError
from xmppd.admin.xmppctl.groups import Command, pass_tool
from xmppd.admin.xmppctl.output import as_json, show
from xmppd.admin.xmppctl.tool import Tool
from xmppd.core.operations.showing import rows

FOUND = 2
ACCOUNTS = 2
_table = rows(step="Step", outcome="Outcome", ms="ms", detail="Detail")


@click.command(cls=Command)
@click.option("--host", metavar="HOST", help="The host to try; else the first.")
@pass_tool
def selftest(tool: Tool, host: str | None) -> int:
    """Try the running server as users do: log in, send a message, talk in a room, share a file.

    Two accounts are made for it and removed again, whatever happens. Status 2 where something fails.
    """
    steps = importlib.import_module("xmppd.admin.selftest.steps")
    found: list[Any] = []
    with tool.server() as connection:
        if isinstance(connection, ControlClient):
            connection.be_patient()

        def begin(lent: Any) -> None:
            accounts = [steps.Account(**each) for each in lent["accounts"]]
            found.extend(steps.run(accounts, lent["listening"]))
            if isinstance(connection, ControlClient):
                connection.end_it()

        try:
            connection.call("user.lend", {"number": ACCOUNTS} | ({"host": host} if host else {}), begin)
        except ControlError as error:
            if error.id != ENDED:
                raise
    shown = [each._asdict() for each in found]
    if tool.is_json:
        as_json(shown)
    else:
        show([_table([{**each, "ms": "" if each["ms"] is None else f"{each['ms']:.1f}"} for each in shown])])
    return FOUND if any(each.outcome == steps.FAILED for each in found) else 0

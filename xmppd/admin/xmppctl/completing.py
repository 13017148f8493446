"""What may stand for an argument: accounts, hosts and rooms, as the server knows them, for the shell's completion."""

from typing import Final

import click
from click.shell_completion import CompletionItem

from xmppd.admin.control.wire import ControlError
from xmppd.admin.xmppctl.tool import Tool
from xmppd.core.operations.declaring import Kind

MOST: Final = 200
_ASKED: Final = {
    Kind.ACCOUNT: ("user.list", "jid"),
    Kind.ADDRESS: ("user.list", "jid"),
    Kind.HOST: ("host.list", "host"),
    Kind.DOMAIN: ("host.list", "host"),
    Kind.NODES: ("user.list", "jid"),
    Kind.ROOM: ("room.list", "room"),
}
"""What is asked for a kind of argument, and which part of each answer is it."""


def complete_value(
    kind: Kind, context: click.Context, parameter: click.Parameter, word: str
) -> list[CompletionItem]:
    """Give what begins with *word*; nothing where no server runs."""
    if kind not in _ASKED:
        return []
    command, key = _ASKED[kind]
    try:
        rows = context.ensure_object(Tool).ask_server(command)
    except (ControlError, OSError):
        return []
    found = [row[key] for row in rows if row[key].startswith(word)]
    return [CompletionItem(each) for each in found[:MOST]]

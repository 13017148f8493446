"""``xmppctl invite``: what is made for people to open is shown as a QR code too, on a terminal."""

import importlib
import io
import sys
from typing import Any

import click

from xmppd.admin.operations.invitations import INVITING
from xmppd.admin.xmppctl.generated import ask, command_of, tell
from xmppd.admin.xmppctl.groups import Command
from xmppd.admin.xmppctl.output import complain, say
from xmppd.admin.xmppctl.tool import Tool
from xmppd.core.operations.declaring import Operation

BORDER = 2


def _command(operation: Operation) -> Command:
    command = command_of(operation)
    words = "Show a QR code; on a terminal it is shown."
    command.params.append(click.Option(["--qr/--no-qr", "qr"], default=None, help=words))

    def run(context: click.Context, qr: bool | None, **given: object) -> None:
        tool = context.ensure_object(Tool)
        args = {name: value for name, value in given.items() if value is not None and value is not False}
        result = ask(tool, operation, args)
        tell(tool, operation, result, args)
        if not tool.is_json and (sys.stdout.isatty() if qr is None else qr):
            show_code(result["url"] or result["uri"])

    command.callback = click.pass_context(run)
    return command


def show_code(text: str) -> None:
    """Show *text* as a QR code, or how that can be had."""
    if not text:
        return
    try:
        segno: Any = importlib.import_module("segno")
    except ImportError:
        complain("for a QR code: pip install segno (it is in the extra web of xmppd)")
        return
    drawn = io.StringIO()
    segno.make(text, error="l").terminal(drawn, border=BORDER, compact=True)
    say("\n" + drawn.getvalue().rstrip("\n"))


INVITE_COMMANDS = tuple(_command(operation) for operation in INVITING)

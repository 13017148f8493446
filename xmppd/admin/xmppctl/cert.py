"""``xmppctl cert generate`` and ``cert import``: certificates into the folder where the server finds them."""

import importlib
from pathlib import Path
from typing import Any

import click

from xmppd.admin.control.wire import ControlError
from xmppd.admin.xmppctl.groups import Command, pass_tool
from xmppd.admin.xmppctl.output import as_json, complain, local_time, say
from xmppd.admin.xmppctl.tool import Tool

NOT_DONE = 1


@click.command("generate", cls=Command)
@click.argument("host")
@click.argument("more", nargs=-1)
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where it is written; else the folder of [tls] certificates.",
)
@pass_tool
def generate(tool: Tool, host: str, more: tuple[str, ...], folder: Path | None) -> None:
    """Make a certificate for HOST, and for more names, signed by itself.

    Clients of others do not believe it: it is to begin with, and for machines that nobody else reaches. What is there
    is not replaced.
    """
    bringing, now = _bringing()
    try:
        target = folder if folder is not None else bringing.folder_of(_config(tool))
        certificate, key = bringing.make(target, (host, *more), now)
    except bringing.CannotBring as error:
        raise ControlError("not-made", str(error)) from error
    if tool.is_json:
        as_json({"certificate": str(certificate), "key": str(key)})
    else:
        say(f"{certificate} and {key} written")


@click.command("import", cls=Command)
@click.argument("source", type=click.Path(path_type=Path))
@pass_tool
def import_certificates(tool: Tool, source: Path) -> int:
    """Copy the certificates of all hosts from SOURCE to where the server finds them.

    SOURCE is a folder, such as /etc/letsencrypt/live: certificates and keys are found in it by their names and by what
    is in them. The server that runs has them in force within two minutes.
    """
    bringing, now = _bringing()
    try:
        found = bringing.bring(_config(tool), source, now)
    except bringing.CannotBring as error:
        raise ControlError("not-brought", str(error)) from error
    if tool.is_json:
        as_json([each._asdict() for each in found])
    else:
        for each in found:
            if each.file:
                say(f"{each.host}: {each.file}, valid until {local_time(each.expires)}")
            else:
                complain(f"{each.host}: nothing is brought: {each.why}")
    return 0 if all(each.file for each in found) else NOT_DONE


def _bringing() -> tuple[Any, Any]:
    machine = importlib.import_module("xmppd.admin.check.machine")
    return importlib.import_module("xmppd.admin.bringing"), machine.utc_now()


def _config(tool: Tool) -> Any:
    settings = importlib.import_module("xmppd.admin.xmppctl.settings")
    return settings.config(tool.config_file, tool.env)

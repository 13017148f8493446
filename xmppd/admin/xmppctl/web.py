"""``xmppctl web``: the chat in the browser, whose files are fetched and put into the data folder."""

import os
from pathlib import Path

import click

from xmppd.admin.control.wire import ControlError
from xmppd.admin.rights import ROOT, User, become
from xmppd.admin.xmppctl.groups import Group
from xmppd.admin.xmppctl.output import as_json, say
from xmppd.admin.xmppctl.tool import Tool


@click.group(cls=Group, short_help="The chat in the browser.")
def web() -> None:
    """The chat in the browser: Converse, which the server shows at / once its files are there."""


@web.command("install", short_help="Fetch the chat in the browser.")
@click.option(
    "--from", "archive", type=click.Path(path_type=Path), help="The release as a file, in place of npm's."
)
@click.option("--if-missing", is_flag=True, help="Do nothing where this version is there.")
@click.pass_obj
def install_command(tool: Tool, archive: Path | None, if_missing: bool) -> None:
    """Fetch the release of Converse that this server was tried with, by npm, and put its files into the data folder.

    The release is known by its hash. A running server shows it at once.
    """
    from xmppd.admin.web_client import PACKAGE, VERSION, CannotInstall, install, installed_version

    data_dir = tool.data_dir()
    if os.geteuid() == ROOT and data_dir.is_dir():
        become(User.of(data_dir.stat().st_uid))
    if if_missing and installed_version(data_dir) == VERSION:
        return
    try:
        folder = install(data_dir, archive)
    except CannotInstall as error:
        raise ControlError("cannot-install", str(error)) from error
    if tool.is_json:
        as_json({"folder": str(folder), "version": VERSION})
    else:
        say(f"{PACKAGE} {VERSION} is in {folder}; the server shows it at /")

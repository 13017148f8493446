"""``xmppctl config``: what holds and why, and the files that come with the server."""

import importlib
from pathlib import Path
from typing import Any, Final

import click

from xmppd.admin.control.wire import ControlError
from xmppd.admin.xmppctl.groups import Group, pass_tool
from xmppd.admin.xmppctl.output import as_json, say, show
from xmppd.admin.xmppctl.tool import Tool

EXAMPLE: Final = "xmppd.toml"
UNIT: Final = "xmppd.service"


@click.group(cls=Group, short_help="The configuration: show, explain, diff, example, unit.")
def config() -> None:
    """The configuration: what holds, what an option is, and the files that come with the server.

    For example: xmppctl config example > /etc/xmppd/xmppd.toml
    """


@config.command("show")
@pass_tool
def show_all(tool: Tool) -> None:
    """Show every option as it holds, and where it is said."""
    _show(tool, only_different=False)


@config.command()
@pass_tool
def diff(tool: Tool) -> None:
    """Show the options that hold otherwise than by default."""
    _show(tool, only_different=True)


@config.command()
@click.argument("key")
@pass_tool
def explain(tool: Tool, key: str) -> None:
    """Say what the option KEY is, what it may be, and what holds; such as limits.roster_items."""
    settings = _settings()
    found = settings.option(tool.config_file, tool.env, key)
    if tool.is_json:
        as_json(settings.as_json(found))
    else:
        show(settings.explained(found))


@config.command()
def example() -> None:
    """Print the example of a configuration, which has every option with its default."""
    say(shipped(EXAMPLE).rstrip("\n"))


@config.command()
def unit() -> None:
    """Print the unit for systemd."""
    say(shipped(UNIT).rstrip("\n"))


def shipped(name: str) -> str:
    """Give the file *name*: of the checkout that this runs from, else what was installed with it; `ControlError`."""
    here = Path(__file__).parents[3] / "etc" / name
    metadata = importlib.import_module("importlib.metadata")
    files = [] if here.exists() else metadata.files("xmppd") or []
    found = (
        here if here.exists() else next((Path(each.locate()) for each in files if each.name == name), None)
    )
    if found is None or not found.exists():
        raise ControlError("no-such-file", f"{name} was not installed with this program; install it by pip")
    return found.read_text("utf-8")


def _settings() -> Any:
    return importlib.import_module("xmppd.admin.xmppctl.settings")


def _show(tool: Tool, *, only_different: bool) -> None:
    settings = _settings()
    found = settings.options(tool.config_file, tool.env, only_different=only_different)
    if tool.is_json:
        as_json([settings.as_json(each) for each in found])
    elif found:
        show(settings.shown(found))
    else:
        say("all is as it is by default")

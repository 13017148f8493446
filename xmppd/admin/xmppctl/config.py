"""``xmppctl config``: the files that come with the server, for whoever has no checkout."""

import importlib
from pathlib import Path
from typing import Final

import click

from xmppd.admin.control.wire import ControlError
from xmppd.admin.xmppctl.groups import Group
from xmppd.admin.xmppctl.output import say

EXAMPLE: Final = "xmppd.toml"
UNIT: Final = "xmppd.service"


@click.group(cls=Group, short_help="Files that come with the server: example, unit.")
def config() -> None:
    """The files that come with the server, to be written where they belong.

    For example: xmppctl config example > /etc/xmppd/xmppd.toml
    """


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

"""Groups and commands that take ``--config`` and ``--json`` wherever they are written."""

import os
from pathlib import Path
from typing import Any

import click

from xmppd.admin.xmppctl.tool import Tool

pass_tool = click.make_pass_decorator(Tool, ensure=True)


def _config(context: click.Context, parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.ensure_object(Tool).config_file = Path(os.path.expanduser(value))


def _json(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Tool).is_json = True


def _options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--config"],
            type=click.Path(readable=False, path_type=Path),  # why it cannot be read is said by who reads it
            metavar="FILE",
            help="The server's configuration file.",
            callback=_config,
            expose_value=False,
        ),
        click.Option(["--json"], is_flag=True, help="Print JSON.", callback=_json, expose_value=False),
    ]


class Command(click.Command):
    """A command with the options that all have."""

    allow_extra_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; an argument too many is not repeated, since it may be a password."""
        left = super().parse_args(ctx, args)
        if ctx.args:
            takes = " ".join(piece for piece in self.collect_usage_pieces(ctx) if piece != "[OPTIONS]")
            told = f"it takes {takes}" if takes else "it takes none"
            if any(parameter.name == "password" for parameter in self.params):
                told += "; the password is asked for, or handed over by --password-stdin"
            many = "1 argument" if len(ctx.args) == 1 else f"{len(ctx.args)} arguments"
            raise click.UsageError(f"{many} too many: {told}", ctx)
        return left

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.params += _options()


class Group(click.Group):
    """A group of such commands; it takes the options too."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.params += _options()


Group.group_class = Group

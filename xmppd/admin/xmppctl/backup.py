"""``xmppctl backup`` and ``restore``."""

import importlib
from datetime import UTC, datetime
from pathlib import Path

import click

from xmppd.admin.xmppctl.groups import Command, pass_tool
from xmppd.admin.xmppctl.output import as_json, complain, local_time, say
from xmppd.admin.xmppctl.progress import progress_bar
from xmppd.admin.xmppctl.tool import Tool
from xmppd.core.operations.showing import count

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_UNIT = 1_024


@click.command(cls=Command)
@click.argument("path", metavar="FILE|FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--keep", type=click.IntRange(1, 10_000), help="Of the backups in FOLDER leave the newest so many."
)
@pass_tool
def backup(tool: Tool, path: Path, keep: int | None) -> None:
    """Back up all data, of one moment, while the server runs or not.

    To FILE (*.tar or *.tar.gz), or to a file in FOLDER with the time in its name. In it are the data file, all else in
    the data folder, as certificates and uploads, and the configuration. Keep it as you keep keys: there are some in it.
    """
    commands = importlib.import_module("xmppd.admin.backup.commands")
    with progress_bar("backing up") as advance:
        made = commands.back_up(path, tool.config_file, tool.env, keep, advance)
    manifest = made.manifest
    if tool.is_json:
        as_json(
            {
                "file": str(made.file),
                "size_bytes": made.size,
                "created": _stamp(manifest.created_at),
                "accounts": manifest.accounts,
                "files": len(manifest.members),
                "skipped": list(made.skipped),
                "removed": [str(each) for each in made.removed],
            }
        )
        return
    accounts = count(sum(manifest.accounts.values()), "account")
    say(f"{made.file}: {accounts}, {count(len(manifest.members), 'file')}, {_size(made.size)}")
    for each in made.skipped:
        complain(f"{each} went or changed while it was copied, and is not in it")
    for each in made.removed:
        say(f"{each} removed")


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--replace",
    "is_replacing",
    is_flag=True,
    help="In the place of data that are there; they are kept aside.",
)
@pass_tool
def restore(tool: Tool, file: Path, is_replacing: bool) -> None:
    """Put a backup back, while the server is stopped.

    It is checked whole before anything is touched. The configuration stays as it is; the one in the backup is there to
    be looked at: tar -xOf FILE configuration/NAME
    """
    commands = importlib.import_module("xmppd.admin.backup.commands")
    with progress_bar("restoring") as advance:
        restored = commands.put_back(file, tool.config_file, tool.env, is_replacing, advance)
    manifest = restored.manifest
    if tool.is_json:
        as_json(
            {
                "created": _stamp(manifest.created_at),
                "accounts": manifest.accounts,
                "aside": None if restored.aside is None else str(restored.aside),
            }
        )
        return
    accounts = count(sum(manifest.accounts.values()), "account")
    say(f"restored: {accounts}, as of {local_time(_stamp(manifest.created_at))}")
    if restored.aside is not None:
        say(f"what was there is in {restored.aside}; remove it when you need it no more")


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _size(size_bytes: float) -> str:
    unit = 0
    while size_bytes >= _UNIT and unit < len(_UNITS) - 1:
        size_bytes, unit = size_bytes / _UNIT, unit + 1
    return f"{size_bytes:.1f} {_UNITS[unit]}" if unit else f"{size_bytes:.0f} B"

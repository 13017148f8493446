"""``xmppctl import`` and ``export``: moving in from other servers, and out."""

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from xmppd.admin.xmppctl.groups import Command, Group, pass_tool
from xmppd.admin.xmppctl.output import as_json, complain, say, show
from xmppd.admin.xmppctl.progress import progress_bar
from xmppd.admin.xmppctl.tool import Tool
from xmppd.admin.xmppctl.user import HASH_NAMES
from xmppd.core.operations.showing import Grid, count

_OF_OWNERS = ("accounts", "rooms")


@click.group("import", cls=Group, short_help="Moving in: from prosody, ejabberd, xep0227.")
def import_group() -> None:
    """Moving in: accounts and rooms of another server, with all that belongs to them.

    While the server is stopped; with --dry-run while it runs, too. Accounts keep their passwords. Who is there already
    is passed over, so that an import that was interrupted is begun again and goes on. Status 1 where an account or a
    room could not be carried.
    """


def _import(kind: str, argument: str, text: str) -> click.Command:
    """Make the command for one kind of server."""

    @click.command(kind, cls=Command, help=text)
    @click.argument("path", metavar=argument, type=click.Path(path_type=Path))
    @click.option(
        "--host", "hosts", metavar="OLD=NEW", multiple=True, help="A domain that has another name here."
    )
    @click.option("--dry-run", "is_dry", is_flag=True, help="Only say what would be done.")
    @click.option(
        "--hash",
        "hash_names",
        type=click.Choice(HASH_NAMES),
        multiple=True,
        help="Of passwords in the clear keep keys for this alone; all are the default.",
    )
    @pass_tool
    def command(
        tool: Tool, path: Path, hosts: tuple[str, ...], is_dry: bool, hash_names: tuple[str, ...]
    ) -> int:
        taking = importlib.import_module("xmppd.admin.moving.taking")
        names = hash_names or tuple(reversed(HASH_NAMES))
        with progress_bar("importing") as advance:
            report = taking.take(kind, path, tool.config_file, tool.env, hosts, names, is_dry, advance)
        if tool.is_json:
            as_json(report.to_dict())
        else:
            _show(report, is_dry)
        return 1 if any(kind.startswith(_OF_OWNERS) for kind in report.left) else 0

    return command


import_group.add_command(
    _import(
        "prosody",
        "PATH",
        "Of Prosody 0.10 to 13: PATH is its data folder (in Debian /var/lib/prosody), or its prosody.sqlite.",
    )
)
import_group.add_command(
    _import(
        "ejabberd",
        "FILE",
        'Of ejabberd: FILE is what "ejabberdctl dump FILE" has written, which has all; or the main file of '
        '"ejabberdctl export_piefxis FOLDER", which lacks rooms, and in older versions archives and nodes.',
    )
)
import_group.add_command(_import("xep0227", "FILE", "Of any server that writes XEP-0227, and of this one."))


@click.command(cls=Command)
@click.argument("file", metavar="FILE")
@click.option(
    "--host", "hosts", metavar="HOST", multiple=True, help="This domain alone; more than once for several."
)
@click.option("--user", metavar="JID", help="This account alone.")
@pass_tool
def export(tool: Tool, file: str, hosts: tuple[str, ...], user: str | None) -> None:
    """Moving out: accounts and rooms as XEP-0227, to FILE or with "-" to standard output.

    Of a running server it is a copy of one moment. The file has the keys of all passwords: keep it as you keep these.
    """
    giving = importlib.import_module("xmppd.admin.moving.giving")
    output = sys.stdout.buffer
    with progress_bar("exporting") as advance:
        report = giving.give(file, tool.config_file, tool.env, hosts, user, output, advance)
    if file == "-":
        _complain(report)
    elif tool.is_json:
        as_json(report.to_dict())
    else:
        _table(report)
        _complain(report)


def _show(report: Any, is_dry: bool) -> None:
    _table(report)
    for domain, number in sorted(report.present.items()):
        say(
            f"{count(number, 'account or room', 'accounts and rooms')} of {domain} there already, as they were"
        )
    for domain, number in sorted(report.not_served.items()):
        complain(
            f"{count(number, 'account or room', 'accounts and rooms')} of {domain}, which is not served here: put it "
            f'into the configuration ([hosts."{domain}"], or for rooms [components."{domain}"] module = "muc"), or '
            f"give it another name: --host {domain}=NAME"
        )
    if report.without_password:
        complain(
            f"{count(report.without_password, 'account')} without a password: nobody gets in until one is set: "
            "xmppctl user passwd"
        )
    if report.too_old:
        complain(
            f"{count(report.too_old, 'archived message')} older than what is kept: gone soon after the start, unless "
            "keep_days of [modules.mam], or of the service's [modules.muc], is larger, or 0"
        )
    _complain(report)
    if is_dry:
        say("nothing was stored: this was a dry run")
    elif any(report.carried.values()):
        say(f"done in {report.seconds:.1f} s")


def _table(report: Any) -> None:
    carried = report.to_dict()["carried"]
    if carried:
        show((Grid(("Carried", "Number"), tuple(carried.items())),))
    else:
        say("nothing to carry")


def _complain(report: Any) -> None:
    for kind, left in sorted(report.left.items()):
        complain(f"not carried: {left.count:,} {kind}; for example {left.example}")

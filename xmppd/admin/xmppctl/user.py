"""``xmppctl user del`` and ``user import``, which take more than an operation's arguments."""

from typing import BinaryIO

import click

from xmppd.admin.operations.catalogue import BY_NAME
from xmppd.admin.xmppctl.generated import ask, tell
from xmppd.admin.xmppctl.groups import Command, pass_tool
from xmppd.admin.xmppctl.importing import ImportReport, import_users, read_users, read_whole
from xmppd.admin.xmppctl.output import as_json, complain, say
from xmppd.admin.xmppctl.tool import Tool
from xmppd.core.operations.showing import count

SHOWN_FAILURES = 20
GRACE_DAYS = 7
DAY_S = 86_400
HASH_NAMES = ("SHA-1", "SHA-256", "SHA-512")


@click.command("del", cls=Command)
@click.argument("jid")
@click.option("--now", is_flag=True, help="Erase all data at once.")
@click.option(
    "--days",
    type=click.IntRange(1, 3_650),
    help=f"Erase them so much later; {GRACE_DAYS} without it.",
)
@click.option("--yes", "-y", "is_meant", is_flag=True, help="Do not ask whether it is meant.")
@pass_tool
def delete(tool: Tool, jid: str, now: bool, days: int | None, is_meant: bool) -> None:
    """Remove an account; its sessions end.

    Nobody gets in from now on. All its data are erased some days later; until then "user restore" brings it back. On a
    terminal it is asked first.
    """
    if now and days is not None:
        raise click.UsageError("--now and --days exclude each other.")
    days = GRACE_DAYS if days is None else days
    operation = BY_NAME["user.del"]
    args = {"jid": jid} | ({} if now else {"grace_s": days * DAY_S})
    when = "at once" if now else f"in {count(days, 'day')}"
    question = f"Remove {{jid}}, and erase its data {when} (roster, messages, archive and all else)?"
    tell(tool, operation, ask(tool, operation, args, question="" if is_meant else question), args)


@click.command("import", cls=Command)
@click.argument("file", type=click.File("rb"))
@click.option("--host", metavar="HOST", help="The host of names without one; else the first that is served.")
@click.option(
    "--hash",
    "hash_name",
    type=click.Choice(HASH_NAMES),
    help="Keep keys for this hash of SCRAM alone, in a quarter of the time; then the host offers this alone.",
)
@pass_tool
def import_file(tool: Tool, file: BinaryIO, host: str | None, hash_name: str | None) -> int:
    """Add many accounts from a file.

    Each line of FILE is "user TAB password"; "-" is standard input. A user is name@host, or a name alone. Lines
    that fail are listed; the others are added all the same.
    """
    name = getattr(file, "name", "-")
    users = read_users(read_whole(file), name)
    with tool.accounts() as connection:
        report = import_users(connection, users, host, hash_name)
    if tool.is_json:
        as_json(report.to_dict())
    else:
        _show(report, name)
    return 1 if report.failed else 0


def _show(report: ImportReport, filename: str) -> None:
    rate = f" in {report.seconds:.1f} s ({report.per_second:,} a second)" if report.added else ""
    say(f"{count(report.added, 'account')} added{rate}")
    for failed in report.failed[:SHOWN_FAILURES]:
        complain(f"{filename}:{failed['line']}: {failed['message']}")
    left = len(report.failed) - SHOWN_FAILURES
    if left > 0:
        complain(f"and {left:,} more; to see all: --json")

"""``xmppctl user``: accounts. Without a running server these work straight on the store."""

import sys
from typing import Any, BinaryIO

import click

from xmppd.admin.control.answers import AccountRow, Ended, Named
from xmppd.admin.control.client import Connection
from xmppd.admin.control.wire import Args, ControlError
from xmppd.admin.xmppctl.groups import Group, pass_tool
from xmppd.admin.xmppctl.importing import ImportReport, import_users, read_users
from xmppd.admin.xmppctl.output import as_json, complain, count, local_time, say, table, yes
from xmppd.admin.xmppctl.passwords import password_options, read_password
from xmppd.admin.xmppctl.tool import Tool

SHOWN_FAILURES = 20
GRACE_DAYS = 7
DAY_S = 86_400


@click.group(cls=Group, short_help="Accounts: add, passwd, del, restore, list, disable, enable, import.")
def user() -> None:
    """Accounts.

    JID is name@host, or the name alone where only one host is served.
    """


@user.command()
@click.argument("jid")
@password_options
@click.option("--reuse", is_flag=True, help="Even if the name was another account's a short while ago.")
@pass_tool
def add(tool: Tool, jid: str, password: str | None, password_stdin: bool, reuse: bool) -> None:
    """Make an account; the password is asked for."""
    names = {"jid": jid} | ({"reuse": True} if reuse else {})
    with tool.accounts() as connection:
        ask_first(connection, "user.may-add", names)
        result = connection.call(
            "user.add", {**names, "password": read_password(jid, password, password_stdin)}
        )
    _tell(tool, result, f"{result['jid']} added")


@user.command()
@click.argument("jid")
@password_options
@pass_tool
def passwd(tool: Tool, jid: str, password: str | None, password_stdin: bool) -> None:
    """Change the password of an account; its sessions end."""
    with tool.accounts() as connection:
        ask_first(connection, "user.look", {"jid": jid})
        password = read_password(jid, password, password_stdin)
        result = connection.call("user.passwd", {"jid": jid, "password": password})
    _tell(tool, result, f"the password of {result['jid']} is changed{_ended(result)}")


@user.command("del")
@click.argument("jid")
@click.option("--now", is_flag=True, help="Erase all data at once.")
@click.option(
    "--days",
    type=click.IntRange(1, 3_650),
    default=GRACE_DAYS,
    show_default=True,
    help="Erase them so much later.",
)
@click.option("--yes", "-y", "is_meant", is_flag=True, help="Do not ask whether it is meant.")
@pass_tool
def delete(tool: Tool, jid: str, now: bool, days: int, is_meant: bool) -> None:
    """Remove an account; its sessions end.

    Nobody gets in from now on. All its data are erased some days later; until then "user restore" brings it back. On a
    terminal it is asked first.
    """
    grace = {} if now else {"grace_s": days * DAY_S}
    with tool.accounts() as connection:
        found = ask_first(connection, "user.look", {"jid": jid})
        if not is_meant and _is_terminal():
            _confirm((found or {}).get("jid", jid), "at once" if now else f"in {count(days, 'day')}")
        result = connection.call("user.del", {"jid": jid, **grace})
    erased = (
        ""
        if now
        else f"; erased on {local_time(result['erased'])}, until then: xmppctl user restore {result['jid']}"
    )
    _tell(tool, result, f"{result['jid']} removed{_ended(result)}{erased}")


@user.command()
@click.argument("jid")
@pass_tool
def restore(tool: Tool, jid: str) -> None:
    """Bring back an account that was removed and is not erased yet."""
    result = tool.ask_accounts("user.restore", jid=jid)
    _tell(tool, result, f"{result['jid']} is back, with all its data")


@user.command()
@click.argument("jid")
@pass_tool
def disable(tool: Tool, jid: str) -> None:
    """Let nobody into an account, and keep its data; its sessions end."""
    result = tool.ask_accounts("user.disable", jid=jid)
    _tell(tool, result, f"{result['jid']} disabled{_ended(result)}")


@user.command()
@click.argument("jid")
@pass_tool
def enable(tool: Tool, jid: str) -> None:
    """Let the owner of a disabled account in again."""
    result = tool.ask_accounts("user.enable", jid=jid)
    _tell(tool, result, f"{result['jid']} enabled")


@user.command("list")
@click.argument("host", required=False)
@pass_tool
def list_accounts(tool: Tool, host: str | None) -> None:
    """List the accounts of HOST, or of all hosts."""
    accounts: list[AccountRow] = tool.ask_accounts("user.list", host=host)
    if tool.is_json:
        as_json(accounts)
    elif not accounts:
        say("no accounts; to add one: xmppctl user add NAME@HOST")
    else:
        rows = [(each["jid"], _enabled(each), local_time(each["created"])) for each in accounts]
        table(("JID", "Enabled", "Created"), rows)


@user.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--host", metavar="HOST", help="The host of names without one; else the first that is served.")
@pass_tool
def import_file(tool: Tool, file: BinaryIO, host: str | None) -> int:
    """Add many accounts from a file.

    Each line of FILE is "user TAB password"; "-" is standard input. A user is name@host, or a name alone. Lines
    that fail are listed; the others are added all the same.
    """
    name = getattr(file, "name", "-")
    users = read_users(file.read(), name)
    with tool.accounts() as connection:
        report = import_users(connection, users, host)
    if tool.is_json:
        as_json(report.to_dict())
    else:
        _show(report, name)
    return 1 if report.failed else 0


def ask_first(connection: Connection, command: str, args: Args) -> Any:
    """Have what cannot be done fail before anybody types; None from an older server, which does not know *command*."""
    try:
        return connection.call(command, args)
    except ControlError as error:
        if error.id != "no-such-command":
            raise
    return None


def _enabled(account: AccountRow) -> str:
    erased = account.get("erased")  # an older server does not say it
    if erased is not None:
        return f"removed, erased on {local_time(erased)}"
    return yes(not account["disabled"])


def _is_terminal() -> bool:
    return sys.stdin.isatty()


def _confirm(jid: str, when: str) -> None:
    lost = "roster, messages, archive and all else"
    if not click.confirm(f"Remove {jid}, and erase its data {when} ({lost})?", err=True):
        raise ControlError("not-meant", f"{jid} is as it was")


def _show(report: ImportReport, filename: str) -> None:
    rate = f" in {report.seconds:.1f} s ({report.per_second:,} a second)" if report.added else ""
    say(f"{count(report.added, 'account')} added{rate}")
    for failed in report.failed[:SHOWN_FAILURES]:
        complain(f"{filename}:{failed['line']}: {failed['message']}")
    left = len(report.failed) - SHOWN_FAILURES
    if left > 0:
        complain(f"and {left:,} more; to see all: --json")


def _tell(tool: Tool, result: Named, text: str) -> None:
    if tool.is_json:
        as_json(result)
    else:
        say(text)


def _ended(result: Ended) -> str:
    return f", {count(len(result['ended']), 'session')} ended" if result["ended"] else ""

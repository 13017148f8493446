"""How a command gets a password: from the option, from standard input, or by asking."""

import sys
import warnings
from getpass import GetPassWarning

import click

from xmppd.admin.control.wire import ControlError


def password_options() -> list[click.Parameter]:
    """Give the options ``--password`` and ``--password-stdin``; hand both to `read_password`."""
    from_stdin = "Read the password from standard input, one line."
    given = "The password; others on this machine may see it."
    return [
        click.Option(["--password"], metavar="TEXT", help=given),
        click.Option(["--password-stdin"], is_flag=True, help=from_stdin),
    ]


def read_password(jid: str, password: str | None, is_stdin: bool) -> str:
    """Give the password, asked for twice where no option says it.

    Raises UsageError where two options say it, `ControlError` ``no-password`` where it is empty or nobody can be asked.
    """
    if password is not None and is_stdin:
        raise click.UsageError("--password and --password-stdin exclude each other.")
    if is_stdin:
        password = _first_line()
    elif password is None:
        password = _asked(jid)
    if not password:
        raise ControlError("no-password", "the password is empty; nothing was changed")
    return password


def _asked(jid: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("error", GetPassWarning)
        try:
            prompt = f"Password for {jid}"
            asked = click.prompt(prompt, hide_input=True, confirmation_prompt="Once more", err=True)
        except GetPassWarning as error:
            why = "there is no terminal to ask for the password; hand it over with --password-stdin"
            raise ControlError("no-password", why) from error
    return str(asked)


def _first_line() -> str:
    try:
        return sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise ControlError("no-password", "the password on standard input is no UTF-8") from error

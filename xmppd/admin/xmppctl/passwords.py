"""How a command gets a password: from the option, from standard input, or by asking."""

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def password_options(function: F) -> F:
    """Give a command ``--password`` and ``--password-stdin``; hand both to `read_password`."""
    from_stdin = click.option(
        "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
    )
    given = click.option(
        "--password", metavar="TEXT", help="The password; others on this machine may see it."
    )
    return given(from_stdin(function))


def read_password(jid: str, password: str | None, is_stdin: bool) -> str:
    """Give the password, asked for twice where no option says it; UsageError where two options do, or it is empty."""
    if password is not None and is_stdin:
        raise click.UsageError("--password and --password-stdin exclude each other.")
    if is_stdin:
        password = _first_line()
    elif password is None:
        password = click.prompt(
            f"Password for {jid}", hide_input=True, confirmation_prompt="Once more", err=True
        )
    if not password:
        raise click.UsageError("The password is empty.")
    return str(password)


def _first_line() -> str:
    try:
        return sys.stdin.buffer.readline().decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise click.UsageError("The password on standard input is no UTF-8.") from error

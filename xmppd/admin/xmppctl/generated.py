"""Commands of xmppctl made from the declarations of operations: their arguments, help, questions and output."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from functools import partial
from typing import Any

import click

from xmppd.admin.control.client import Connection, ControlClient
from xmppd.admin.control.wire import LEFT_OUT, ControlError
from xmppd.admin.xmppctl.completing import complete_value
from xmppd.admin.xmppctl.groups import Command, Group
from xmppd.admin.xmppctl.output import as_json, complain, flush, say, show
from xmppd.admin.xmppctl.passwords import password_options, read_password
from xmppd.admin.xmppctl.tool import Tool
from xmppd.core.operations.declaring import Args, Argument, Kind, Operation, Subject, Tells

_TYPES = {Kind.NUMBER: click.INT}


class SubjectGroup(Group):
    """A group whose short help names its commands."""

    title = ""

    def get_short_help_str(self, limit: int = 45) -> str:
        """Give the title and as many commands as there is room for."""
        names = [name for name, command in self.commands.items() if not command.hidden]
        shown = f"{self.title}: {', '.join(names)}."
        while len(shown) > limit and len(names) > 1:
            names.pop()
            shown = f"{self.title}: {', '.join(names)}, …"
        return shown


def group_of(subject: Subject) -> SubjectGroup:
    """Make the group of a subject, without commands."""
    group = SubjectGroup(subject.name, help="\n\n".join(filter(None, (subject.summary, subject.details))))
    group.title = subject.title
    return group


def fill(group: click.Group, subject: Subject, by_hand: Iterable[click.Command] = ()) -> None:
    """Give a group the commands of a subject, those made *by_hand* in place of their operations' and behind them."""
    own = {command.name: command for command in by_hand}
    for operation in subject.operations:
        if operation.verb in own:
            group.add_command(own.pop(operation.verb))
        elif not operation.is_inner:
            group.add_command(command_of(operation))
    for command in own.values():
        group.add_command(command)


def command_of(operation: Operation) -> Command:
    """Make the command of an operation."""
    has_secret = any(argument.kind is Kind.SECRET for argument in operation.arguments)
    callback: Any = partial(_run, operation)
    parameters = [_parameter(each) for each in operation.arguments if each.kind is not Kind.SECRET]
    if has_secret:
        parameters += password_options()
    if operation.confirm:
        words = "Do not ask whether it is meant."
        parameters.append(click.Option(["--yes", "-y", "is_meant"], is_flag=True, help=words))
    return Command(
        operation.verb.replace("_", "-"),
        callback=click.pass_context(callback),
        params=parameters,
        help="\n\n".join(filter(None, (operation.summary, operation.details))),
    )


def ask(
    tool: Tool,
    operation: Operation,
    args: Args,
    *,
    question: str = "",
    secret: Callable[[], Args] = dict,
) -> Any:
    """Have an operation done; what cannot be done fails before *question* is put, or somebody types a password."""
    opened: AbstractContextManager[Connection] = tool.accounts() if operation.is_on_store else tool.server()
    with opened as connection:
        found = _look(connection, operation, args)
        if question and is_terminal():
            _confirm(question.format_map({**args, **found}))
        if operation.tells is not None:
            return _follow(tool, operation, operation.tells, connection, args)
        return connection.call(operation.name, {**args, **secret()})


def _follow(tool: Tool, operation: Operation, tells: Tells, connection: Connection, args: Args) -> None:
    """Show what an operation tells as it happens, until the user has seen enough."""
    if isinstance(connection, ControlClient):
        connection.be_patient()

    def told(content: object) -> None:
        if isinstance(content, dict) and LEFT_OUT in content:
            complain(f"{content[LEFT_OUT]} were left out, since they came faster than they could be shown")
        elif tool.is_json:
            say(json.dumps(content, ensure_ascii=False))
        else:
            show(tells(content))
        flush()

    with suppress(KeyboardInterrupt):
        connection.call(operation.name, args, told)


def tell(tool: Tool, operation: Operation, result: object, args: Args) -> None:
    """Show what came of it, to a program or to people."""
    if operation.is_endless:
        return
    if tool.is_json:
        as_json(result)
    else:
        show(operation.shows(result, args))


def _confirm(question: str) -> None:
    """Ask whether it is meant; `ControlError` ``not-meant`` where it is not."""
    if not click.confirm(question, err=True):
        raise ControlError("not-meant", "nothing is changed")


def is_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def _parameter(argument: Argument) -> click.Parameter:
    kind = click.Choice(argument.choices) if argument.choices else _TYPES.get(argument.kind)
    shown = (argument.shown_as or argument.name).replace("_", "-")
    complete = None if argument.choices else partial(complete_value, argument.kind)
    if not argument.is_option:
        many = -1 if argument.kind is Kind.WORDS else 1
        return click.Argument(
            [argument.name],
            type=kind,
            required=argument.is_required,
            nargs=many,
            shell_complete=complete,
        )
    names = [f"--{shown}", argument.name]
    if argument.kind is Kind.FLAG:
        return click.Option(names, is_flag=True, help=argument.help)
    metavar = None if argument.choices else _METAVARS.get(argument.kind, "TEXT")
    return click.Option(
        names,
        type=kind,
        metavar=metavar,
        help=argument.help,
        shell_complete=complete,
    )


_METAVARS = {
    Kind.NUMBER: "NUMBER",
    Kind.DOMAIN: "HOST",
    Kind.HOST: "HOST",
    Kind.ACCOUNT: "JID",
    Kind.ADDRESS: "JID",
    Kind.ROOM: "ROOM",
}


def _run(
    operation: Operation,
    context: click.Context,
    /,
    password: str | None = None,
    password_stdin: bool = False,
    is_meant: bool = False,
    **given: object,
) -> None:
    tool = context.ensure_object(Tool)
    args = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in given.items()
        if value is not None and value is not False and value != ()
    }
    secrets = [argument.name for argument in operation.arguments if argument.kind is Kind.SECRET]

    def secret() -> Args:
        return {name: read_password(str(args.get("jid", "")), password, password_stdin) for name in secrets}

    question = "" if is_meant else operation.confirm
    tell(tool, operation, ask(tool, operation, args, question=question, secret=secret), args)


def _look(connection: Connection, operation: Operation, args: Args) -> Mapping[str, object]:
    """Have what cannot be done fail first; an older server may not know how to look."""
    looking = operation.looks_first
    if looking is None:
        return {}
    names = {argument.name for argument in looking.arguments}
    try:
        found = connection.call(looking.name, {name: value for name, value in args.items() if name in names})
    except ControlError as error:
        if error.id != "no-such-command":
            raise
        return {}
    return found if isinstance(found, dict) else {}

"""Service Administration: XEP-0133 1.3.1, and every other operation that can be asked for by a form.

A command is offered to whose role is enough for it at the domain (`xmppd.core.roles`), and concerns that domain alone;
those about the server as a whole are for its operators. Nobody but an operator changes the account of one.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from twisted.logger import Logger

from xmppd.config.kinds import INSIDE
from xmppd.core.host import Host
from xmppd.core.module import XEP, Module, on
from xmppd.core.operations.declaring import Kind, Operation
from xmppd.core.operations.errors import OperationError
from xmppd.core.operations.running import Operations
from xmppd.core.roles import Roles
from xmppd.core.waiting import deferred
from xmppd.modules.administration.filling import asked, filled_in, fits, form_field, room_of, shown, texts
from xmppd.modules.administration.standard import COUNTS, MAX_ITEMS, MOST, NS, STANDARD, Standard
from xmppd.services.discovery.commands import (
    ADDRESS_GATHERING,
    GATHERING,
    Command,
    Execution,
    Menu,
    Note,
    Stage,
    refused,
)
from xmppd.stanza import forms
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.forms import Submission
from xmppd.stanza.jid import JID

NODE: Final = "urn:xmppd:operation:"
OTHERS: Final = Standard("", "", "")
"""How an operation is offered that XEP-0133 does not name: its arguments are the fields."""
_NO_FORM: Final = Submission("submit", {})


class Administration(Module):
    """Lets those who have the right to it administer the domain by any client that knows commands."""

    name = "administration"
    summary = "Service Administration"
    xep = XEP(133, "1.3.1", "lists of administrators and of who is blocked are in the configuration")
    for_hosts = INSIDE
    requires = ("commands",)
    uses = (Operations, Roles)
    _log = Logger()

    def start(self) -> None:
        """Find the services."""
        self._operations = self.api.services[Operations]
        self._roles = self.api.services[Roles]

    @on(GATHERING)
    def on_gathering(self, menu: Menu) -> None:
        """Offer what there is about this domain."""
        for standard in STANDARD:
            operation = self._operations.get(standard.operation)
            if operation is not None and fits(operation, self.api.host):
                menu.commands.append(
                    self._command(f"{NS}#{standard.node}", standard.name, operation, standard, menu.target)
                )
        named = {standard.operation for standard in STANDARD if standard.answer is None}
        for operation in self._operations:
            if operation.has_form and operation.name not in named and fits(operation, self.api.host):
                menu.commands.append(
                    self._command(f"{NODE}{operation.name}", _name(operation), operation, OTHERS, menu.target)
                )

    @on(ADDRESS_GATHERING)
    def on_address_gathering(self, menu: Menu) -> None:
        """Offer at a room what there is about it."""
        for operation in self._operations:
            if operation.has_form and room_of(operation) and fits(operation, self.api.host):
                menu.commands.append(
                    self._command(f"{NODE}{operation.name}", _name(operation), operation, OTHERS, menu.target)
                )

    def _command(self, node: str, name: str, operation: Operation, how: Standard, target: JID) -> Command:
        is_asked = how.is_list or (asked(operation, target, self.api.host) if how is OTHERS else how.fields)
        ask, do = partial(self._ask, operation, how), partial(self._do, operation, how)
        return Command(node, name, (ask, do) if is_asked else (do,), partial(self._may_run, operation))

    def _may_run(self, operation: Operation, host: Host, sender: JID) -> bool:
        return self._roles.role_at(host, sender) >= self._roles.needed(host, operation)

    @deferred
    async def _ask(self, operation: Operation, how: Standard, execution: Execution) -> Stage:
        """Show the form, with what is to be edited where there is something."""
        was: Mapping[str, str] = {}
        if how.was is not None:
            args = filled_in(operation, execution.target, execution.host, {})
            was = how.was(await self._run(operation, args))
        fields: list[Element] = []
        for argument in asked(operation, execution.target, self.api.host):
            var = how.fields.get(argument.name, argument.name if how is OTHERS else "")
            if var:
                is_many = how.is_many and argument.kind in (Kind.ACCOUNT, Kind.ADDRESS)
                fields.append(form_field(argument, var, is_many, was.get(var, "")))
        if how.repeated:
            fields.append(forms.field(how.repeated, "text-private", label="The password once more"))
        if how.is_list:
            fields.append(forms.choice(MAX_ITEMS, [(each, each) for each in (*COUNTS, "none")]))
        form_type = NS if how is not OTHERS else ""
        words = " ".join(filter(None, (operation.summary, operation.details)))
        title = execution.command.name
        return Stage(forms.form("form", form_type, fields, title=title, instructions=words))

    @deferred
    async def _do(self, operation: Operation, how: Standard, execution: Execution) -> Stage:
        """Do it with what was filled in, and show what came of it."""
        submission = execution.answers[0] if execution.answers else _NO_FORM
        if how.repeated and submission.first(how.repeated) not in (None, submission.first("password")):
            raise refused("bad-payload", "The two passwords are not the same")
        found = texts(submission, operation, how.fields)
        many = submission.all(how.fields["jid"]) if how.is_many else ()
        notes: tuple[Note, ...] = ()
        for jid in many:
            stage = await self._done(operation, how, execution, {**found, "jid": jid})
            notes += stage.notes
        return Stage(notes=notes) if many else await self._done(operation, how, execution, found)

    async def _done(
        self, operation: Operation, how: Standard, execution: Execution, values: dict[str, str]
    ) -> Stage:
        args = {**filled_in(operation, execution.target, execution.host, values), **how.also}
        self._check_target(operation, args, execution)
        self._log.info(
            "{sender} does {operation} at {host} by an ad-hoc command",
            sender=execution.sender.full,
            operation=operation.name,
            host=execution.host.name,
        )
        result = await self._run(operation, args)
        if how.answer is None:
            return shown(operation.shows(result, args), execution.command.name)
        return _standard_answer(how, result, execution, str(args.get("jid", "")))

    async def _run(self, operation: Operation, args: dict[str, object]) -> Any:
        """Give the result of an operation; `StanzaError`."""
        try:
            return await self._operations.run(operation.name, args)
        except OperationError as error:
            condition = "bad-request" if error.id == "bad-arguments" else "not-acceptable"
            raise StanzaError(condition, error.message) from error

    def _check_target(self, operation: Operation, args: dict[str, object], execution: Execution) -> None:
        """Who could change an operator's account would be one."""
        if self._roles.is_operator(execution.sender):
            return
        for argument in operation.arguments:
            value = args.get(argument.name)
            is_somebody = argument.kind in (Kind.ACCOUNT, Kind.ADDRESS, Kind.NODES) and isinstance(value, str)
            if is_somebody and self._roles.is_operator(JID.parse(str(value))):
                raise StanzaError("forbidden", "This is an operator of the server", type="cancel")


def _name(operation: Operation) -> str:
    return f"{operation.subject} {operation.verb}".strip().replace("-", " ").capitalize()


def _standard_answer(how: Standard, result: Any, execution: Execution, jid: str) -> Stage:
    assert how.answer is not None, "others are shown as they are"
    wanted = execution.answers[0].first(MAX_ITEMS) if execution.answers else None
    most = int(wanted) if wanted is not None and wanted in COUNTS else MOST
    answer = how.answer(result)
    fields = [
        forms.field(var, "jid-multi" if how.is_list else "text-single", values[:most])
        for var, values in answer.items()
    ]
    if how.extra is not None:
        fields += [forms.field(how.fields["jid"], "jid-single", (jid,)), how.extra(result)]
    left = max((len(values) for values in answer.values()), default=0) - most
    notes = (Note(f"There are {left} more"),) if left > 0 else ()
    return Stage(forms.form("result", NS, fields, title=execution.command.name), notes)

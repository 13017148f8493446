"""Ad-Hoc Commands: XEP-0050 1.3.0, of served domains, and of addresses at services such as rooms.

What a command is, is in `xmppd.services.discovery.commands`. A host's are the domain's, those about the user's own
account too: that is where clients look for them. Who knows the first form may fill it in at once.

Covered: everything but announcements by message (2.3). Who asks for another language than English is answered in
English, and told so, in place of bad-locale (3.7), which would keep most people from all commands.
"""

from dataclasses import replace
from typing import Annotated, Final

from xmppd.config.fields import Field
from xmppd.config.kinds import INSIDE
from xmppd.core import events
from xmppd.core.events import IQRequest, Unbound
from xmppd.core.host import Identity
from xmppd.core.module import XEP, Module, Options, iq, on
from xmppd.core.stations import NOTING
from xmppd.core.waiting import deferred
from xmppd.services.discovery.command_sessions import CommandSessions
from xmppd.services.discovery.commands import (
    ADDRESS_GATHERING,
    GATHERING,
    NS,
    Execution,
    Menu,
    Stage,
    refused,
)
from xmppd.services.discovery.disco import NODE_INFO, NODE_ITEMS, Info, Item, Items
from xmppd.stanza import forms
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.forms import Submission, submission_in
from xmppd.stanza.jid import JID

ACTIONS: Final = frozenset(("execute", "cancel", "prev", "next", "complete"))
SUBMITTED: Final = frozenset(("submit", "cancel"))
"""3.5.1: a form that is cancelled is to be taken as submitted; to cancel is an action of the command."""
LANGUAGE: Final = "en"
NOTHING: Final = Stage()
PAYLOAD_BYTES: Final = 32 * 1024
"""So much may be filled in at one stage."""


class CommandsOptions(Options):
    """``[modules.commands]``."""

    timeout_s: Annotated[float, Field(gt=0, le=86_400)] = 600.0
    """A command that waits so long for its user is over."""


class Commands(Module):
    """Lists the commands of other modules and runs them."""

    name = "commands"
    summary = "Ad-Hoc Commands"
    xep = XEP(50, "1.3.0")
    for_hosts = INSIDE
    features = (NS, forms.NS)
    requires = ("disco",)
    options = CommandsOptions
    uses = (CommandSessions,)
    opt: CommandsOptions

    def start(self) -> None:
        """Find the service."""
        self._sessions = self.api.services[CommandSessions]

    def stop(self) -> None:
        """Nothing goes on any more."""
        self._sessions.clear(self.api.host)

    # -- discovery ----------------------------------------------------------------------------------------------------

    @on(NODE_ITEMS)
    def on_items(self, items: Items) -> object:
        """List what the requester may run (2.2)."""
        return self._list(items) if items.node == NS and self._has_commands(items.target) else None

    @deferred
    async def _list(self, items: Items) -> bool:
        for command in (await self._menu(items.target)).commands:
            if command.may_run(self.api.host, items.sender):
                items.items.append(Item(items.target.full, command.node, command.name))
        return True

    @on(NODE_INFO)
    def on_info(self, info: Info) -> object:
        """Say what the list is, or a command (2.2)."""
        if not self._has_commands(info.target):
            return None
        if info.node == NS:
            info.identities.append(Identity("automation", "command-list", "Commands"))
            info.features.update((NS, forms.NS))
            return True
        return self._tell(info)

    @deferred
    async def _tell(self, info: Info) -> bool | None:
        command = (await self._menu(info.target)).find(info.node)
        if command is None:
            return None
        if info.sender is None or not command.may_run(self.api.host, info.sender):
            raise StanzaError("forbidden", type="cancel")
        info.identities.append(Identity("automation", "command-node", command.name))
        info.features.update((NS, forms.NS))
        return True

    # -- execution ----------------------------------------------------------------------------------------------------

    @iq("set", NS, "command", to=("host", "node"))
    @deferred
    async def on_command(self, request: IQRequest) -> Element:
        """Begin a command, go on with it, go back, or end it (2.4, 3.4)."""
        asked, action = request.payload, request.payload.get("action") or "execute"
        if action not in ACTIONS:
            raise refused("malformed-action")
        command = (await self._menu(request.target)).find(asked.get("node") or "")
        if command is None:
            raise StanzaError("item-not-found")
        if not command.may_run(self.api.host, request.sender):
            raise StanzaError("forbidden", type="cancel")
        id = asked.get("sessionid")
        if id:
            execution = self._sessions.take(request.target, request.sender, id, command.node)
            return await self._continue(execution, action, request)
        if action != "execute":
            raise refused("bad-action", "The command has not begun")
        begun = self._sessions.begin(self.api.host, request.target, request.sender, command)
        if asked.child("x", forms.NS) is not None and not begun.is_last:
            begun = replace(begun, answers=(_submission(request),))
        return await self._step(begun, None)

    @on(events.RESOURCE_UNBOUND, NOTING)
    def on_unbound(self, unbound: Unbound) -> None:
        """Who has gone does not go on."""
        self._sessions.forget(unbound.session.full_jid or "")

    def _has_commands(self, target: JID) -> bool:
        """Whether it is the domain, or a bare address where that is none of an account."""
        return target.localpart is None or (target.resourcepart is None and not self.api.host.has_accounts)

    async def _menu(self, target: JID) -> Menu:
        menu = Menu(self.api.host, target)
        hook = GATHERING if target.localpart is None else ADDRESS_GATHERING
        waiting = self.api.host.hooks.notify(hook, menu)
        if waiting is not None:
            await waiting
        return menu

    async def _continue(self, execution: Execution, action: str, request: IQRequest) -> Element:
        if action == "cancel":
            self._sessions.end(execution)
            return _command(execution, "canceled")
        try:
            answers = _answers(execution, action, request)
        except StanzaError:
            self._sessions.keep(execution, self.opt.timeout_s)
            raise
        return await self._step(replace(execution, answers=answers), execution)

    async def _step(self, execution: Execution, before: Execution | None) -> Element:
        """Take a step; where that fails the requester is where it was *before*."""
        waiting = before
        try:
            shown = execution.command.steps[execution.stage](execution)
            stage = shown if isinstance(shown, Stage) else await shown
            waiting = None if stage.is_last or execution.is_last else execution
        finally:
            if waiting is None:
                self._sessions.end(execution)
            else:
                self._sessions.keep(waiting, self.opt.timeout_s)
        return _command(execution, "executing" if waiting else "completed", stage)


def _answers(execution: Execution, action: str, request: IQRequest) -> tuple[Submission, ...]:
    """Give what was filled in when the action is done (3.4); `StanzaError` for one that leads nowhere from here."""
    answers = execution.answers
    if action == "prev" and answers:
        return answers[:-1]
    if action not in ("execute", execution.way_on):
        raise refused("bad-action")
    return (*answers, _submission(request))


def _submission(request: IQRequest) -> Submission:
    """Read what was filled in; nothing where there is no form."""
    if len(request.stanza.inner) > PAYLOAD_BYTES:
        raise refused("bad-payload", "This is too much for a form")
    try:
        submission = submission_in(request.payload)
    except ValueError as error:
        raise refused("bad-payload", str(error)) from error
    if submission is not None and submission.type not in SUBMITTED:
        raise refused("bad-payload", "A form that is filled in has the type submit")
    return submission or Submission("submit", {})


def _command(execution: Execution, status: str, stage: Stage = NOTHING) -> Element:
    """Write what is shown (4.1), with what the requester can do (4.2)."""
    attrs = {
        "node": execution.command.node,
        "sessionid": execution.id,
        "status": status,
        "xml:lang": LANGUAGE,
    }
    children: list[Element] = []
    if status == "executing":
        ways = (["prev"] if execution.stage else []) + [execution.way_on]
        actions = [Element(way, NS) for way in ways]
        children.append(Element("actions", NS, {"execute": execution.way_on}, [*actions]))
    children += [Element("note", NS, {"type": note.type}, [note.text]) for note in stage.notes]
    if stage.form is not None:
        children.append(stage.form)
    return Element("command", NS, attrs, [*children])

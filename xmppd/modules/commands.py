"""Ad-Hoc Commands: XEP-0050 1.3.0, of served domains. What a command is, is in `xmppd.services.discovery.commands`.

They are the domain's, those about the user's own account too: that is where clients look for them.

Covered: everything but announcements by message (2.3). Who asks for another language than English is answered in
English, and told so, in place of bad-locale (3.7), which would keep most people from all commands.
"""

from dataclasses import replace
from typing import Annotated, Final

from pydantic import Field

from xmppd.config.kinds import INSIDE
from xmppd.core import events
from xmppd.core.events import IQRequest, Unbound
from xmppd.core.host import Identity
from xmppd.core.module import XEP, Module, Options, iq, on
from xmppd.core.stations import NOTING
from xmppd.core.waiting import deferred
from xmppd.services.discovery.command_sessions import CommandSessions
from xmppd.services.discovery.commands import GATHERING, NS, Execution, Menu, Stage, refused
from xmppd.services.discovery.disco import NODE_INFO, NODE_ITEMS, Info, Item, Items
from xmppd.stanza import forms
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.forms import Submission, submission_in

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
    def on_items(self, items: Items) -> bool | None:
        """List what the requester may run (2.2)."""
        if items.node != NS or items.target.localpart is not None:
            return None
        for command in self._menu().commands:
            if command.may_run(self.api.host, items.sender):
                items.items.append(Item(self.api.host.name, command.node, command.name))
        return True

    @on(NODE_INFO)
    def on_info(self, info: Info) -> bool | None:
        """Say what the list is, or a command (2.2)."""
        if info.target.localpart is not None:
            return None
        if info.node == NS:
            info.identities.append(Identity("automation", "command-list", "Commands"))
            info.features.update((NS, forms.NS))
            return True
        command = self._menu().find(info.node)
        if command is None:
            return None
        if info.sender is None or not command.may_run(self.api.host, info.sender):
            raise StanzaError("forbidden", type="cancel")
        info.identities.append(Identity("automation", "command-node", command.name))
        info.features.update((NS, forms.NS))
        return True

    # -- execution ----------------------------------------------------------------------------------------------------

    @iq("set", NS, "command", to="host")
    def on_command(self, request: IQRequest) -> object:
        """Begin a command, go on with it, go back, or end it (2.4, 3.4)."""
        asked, action = request.payload, request.payload.get("action") or "execute"
        if action not in ACTIONS:
            raise refused("malformed-action")
        command = self._menu().find(asked.get("node") or "")
        if command is None:
            raise StanzaError("item-not-found")
        if not command.may_run(self.api.host, request.sender):
            raise StanzaError("forbidden", type="cancel")
        id = asked.get("sessionid")
        if id:
            return self._continue(self._sessions.take(request.sender, id, command.node), action, request)
        if action != "execute":
            raise refused("bad-action", "The command has not begun")
        return self._step(self._sessions.begin(self.api.host, request.sender, command), None)

    @on(events.RESOURCE_UNBOUND, NOTING)
    def on_unbound(self, unbound: Unbound) -> None:
        """Who has gone does not go on."""
        self._sessions.forget(unbound.session.full_jid or "")

    def _menu(self) -> Menu:
        menu = Menu(self.api.host)
        self.api.host.hooks.notify(GATHERING, menu)
        return menu

    def _continue(self, execution: Execution, action: str, request: IQRequest) -> object:
        if action == "cancel":
            self._sessions.end(execution)
            return _command(execution, "canceled")
        try:
            answers = _answers(execution, action, request)
        except StanzaError:
            self._sessions.keep(execution, self.opt.timeout_s)
            raise
        return self._step(replace(execution, answers=answers), execution)

    @deferred
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

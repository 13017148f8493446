"""Ad-hoc commands (XEP-0050 1.3.0) as other modules see them: what a command is, and how they offer theirs.

A command is a row of steps. Each step shows something; between two of them the requester fills in the form that the
earlier one has shown. All but the last only ask, so that a requester may go back and a step may be taken again.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred

from xmppd.core.hooks import Hook
from xmppd.core.host import Host
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.forms import Submission
from xmppd.stanza.jid import JID

NS: Final = "http://jabber.org/protocol/commands"


class Note(NamedTuple):
    """A remark (4.3); a *type* of "error" says that the command has failed (3.6)."""

    text: str
    type: str = "info"


@dataclass(frozen=True, slots=True)
class Stage:
    """What a step shows: a form to fill in or a result, and notes."""

    form: Element | None = None
    notes: tuple[Note, ...] = ()
    is_last: bool = False
    """Whether the command is over, though there are more steps."""


@dataclass(frozen=True, slots=True)
class Execution:
    """Where a requester is in a command: what a step is handed."""

    host: Host
    target: JID
    """Whose command it is: the domain, or an address at a service."""
    sender: JID
    command: "Command"
    id: str
    answers: tuple[Submission, ...] = ()
    """What was filled in so far, a form for each earlier step."""

    @property
    def stage(self) -> int:
        """The number of the step, from 0 on."""
        return len(self.answers)

    @property
    def is_last(self) -> bool:
        """Whether no step stands behind this one."""
        return self.stage == len(self.command.steps) - 1

    @property
    def way_on(self) -> str:
        """The action that leads on from this step, which is not the last: "next", or "complete" to the last one."""
        return "complete" if self.stage == len(self.command.steps) - 2 else "next"


Step = Callable[[Execution], Stage | Deferred[Stage]]
"""May raise `StanzaError`: `refused` for what was filled in. The requester may then try again."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its node, its name in the requester's menu, its steps, and who may run it."""

    node: str
    name: str
    steps: tuple[Step, ...]
    may_run: Callable[[Host, JID], bool]


@dataclass(slots=True)
class Menu:
    """The commands of a domain, or of an address at a service, while they are gathered; handlers add theirs."""

    host: Host
    target: JID
    commands: list[Command] = field(default_factory=list)

    def find(self, node: str) -> Command | None:
        """Give the command of this node."""
        return next((command for command in self.commands if command.node == node), None)


GATHERING = Hook[Menu]("commands-gathering", "Notified when a domain's commands are wanted: add commands.")
ADDRESS_GATHERING = Hook[Menu](
    "address-commands-gathering",
    "Notified when the commands of an address at a service, such as a room, are wanted: add commands. May wait.",
)


def is_user(host: Host, sender: JID) -> bool:
    """Whether *sender* is a user of this domain."""
    return sender.domainpart == host.name and sender.localpart is not None


def refused(condition: str, text: str | None = None) -> StanzaError:
    """Give a bad-request with one of the conditions of 4.4, such as bad-payload."""
    return StanzaError("bad-request", text, extra=Element(condition, NS))

"""What an operation is: its name, its arguments, who may use it, and how its result is shown. Data, and no Twisted.

An operation is declared once. From the declaration come the command of the control socket, the one of xmppctl with its
help and completion, the ad-hoc form for admins (XEP-0050), and the manual. What does it is a function of its own
(`xmppd.core.operations.running`), so that a program that only asks for it loads nothing of the server::

    LIST = Operation(
        "room.list",
        "List all rooms, hidden ones too, or those of one SERVICE.",
        (Argument("service", kind=Kind.DOMAIN, is_required=False),),
        shows=table("no rooms", room="Room", title="Title", occupants="Occupants"),
    )
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from xmppd.core.operations.errors import OperationError
from xmppd.core.operations.role import Role
from xmppd.core.operations.showing import Block, nothing

Args = Mapping[str, object]
"""The arguments of an operation by name: JSON-able."""
Shows = Callable[[Any, Args], Iterable[Block]]
"""From the result of an operation, and what it was asked, to what people see."""
Tells = Callable[[Any], Iterable[Block]]
"""The same of what is told as it goes on."""


class Kind(Enum):
    """What an argument is: its type in JSON, its field in a form, and whose admin one must be to name it."""

    TEXT = "text"
    LINES = "lines"
    """A text of several lines."""
    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"
    SECRET = "secret"
    """A password: asked for, never shown."""
    ACCOUNT = "account"
    """The bare JID of an account here; the name alone will do where one host has accounts."""
    ADDRESS = "address"
    """A host, an account or a session here."""
    DOMAIN = "domain"
    """A domain that is served."""
    HOST = "host"
    """A domain with accounts."""
    ROOMS = "rooms"
    """A service of rooms."""
    ROOM = "room"
    """A room here; the name alone will do where one service has rooms."""
    NODES = "nodes"
    """What has nodes: a pubsub service, or an account here."""
    WORDS = "words"
    """One text or more, as a list."""
    LIST = "list"
    """A JSON list; no form has a field for it."""

    @property
    def type(self) -> type:
        """The type of its values in Python."""
        return _TYPES.get(self, str)

    @property
    def is_local(self) -> bool:
        """Whether it names something of one domain of ours."""
        return self in _LOCAL


_TYPES: dict[Kind, type] = {Kind.NUMBER: int, Kind.FLAG: bool, Kind.LIST: list, Kind.WORDS: list}
OF_HOSTS: Final = frozenset((Kind.ACCOUNT, Kind.ADDRESS, Kind.HOST))
"""What there is at domains with accounts."""
OF_ROOMS: Final = frozenset((Kind.ROOM, Kind.ROOMS))
"""What there is at services of rooms."""
OF_NODES: Final = frozenset((Kind.NODES,))
"""What there is at pubsub services, and at domains with accounts."""
DOMAINS: Final = frozenset((Kind.DOMAIN, Kind.HOST, Kind.ROOMS))
"""Names of domains themselves."""
_LOCAL = OF_HOSTS | OF_ROOMS | OF_NODES | DOMAINS
_WORDS = {str: "a text", int: "a whole number", bool: "true or false", list: "a list"}


@dataclass(frozen=True, slots=True)
class Argument:
    """One named argument. On a command line it has its place there, or, as an option, its name before it."""

    name: str
    help: str = ""
    kind: Kind = Kind.TEXT
    is_required: bool = True
    is_option: bool = False
    choices: tuple[str, ...] = ()
    shown_as: str = ""
    """Its name on the command line, where that is another."""

    def check(self, operation: str, value: object) -> None:
        """Raise `OperationError` ``bad-arguments`` unless *value* fits."""
        if type(value) is not self.kind.type:
            wanted = _WORDS[self.kind.type]
            raise OperationError("bad-arguments", f"{operation}: {self.name} must be {wanted}")
        if self.choices and value not in self.choices:
            listed = ", ".join(self.choices)
            raise OperationError("bad-arguments", f"{operation}: {self.name} is one of {listed}")


def option(
    name: str, words: str, kind: Kind = Kind.TEXT, *, shown_as: str = "", choices: tuple[str, ...] = ()
) -> Argument:
    """Give an argument that may be left out, and is named on a command line: ``--name``."""
    return Argument(name, words, kind, is_required=False, is_option=True, choices=choices, shown_as=shown_as)


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that can be done."""

    name: str
    """Subject and verb, such as ``room.list``: the command of the control socket, ``xmppctl room list``."""
    summary: str
    """What it does, in one sentence; arguments in capitals."""
    arguments: tuple[Argument, ...] = ()
    shows: Shows = nothing
    details: str = ""
    """More about it, for the help and the manual."""
    role: Role = Role.ADMIN
    """Who may use it: an admin where what it names is of one domain, else an operator in any case."""
    is_on_store: bool = False
    """Whether it can be done on the data while no server runs."""
    is_inner: bool = False
    """Whether only programs use it."""
    tells: Tells | None = None
    """How each thing is shown that it tells as it goes on, without an end, until who asked goes away."""
    looks_first: "Operation | None" = None
    """An operation with some of the same arguments that fails as this one would; done before anybody is asked."""
    confirm: str = ""
    """What is asked on a terminal before it is done; filled in from arguments and what was looked at first."""

    @property
    def subject(self) -> str:
        """What it is about: ``room`` of ``room.list``; "" for the server as a whole."""
        return self.name.rpartition(".")[0]

    @property
    def verb(self) -> str:
        """What is done to it."""
        return self.name.rpartition(".")[2]

    @property
    def is_endless(self) -> bool:
        """Whether it goes on until who asked goes away."""
        return self.tells is not None

    @property
    def is_local(self) -> bool:
        """Whether it concerns one domain where that is named: the arguments name it, or something there."""
        return any(argument.kind.is_local for argument in self.arguments)

    @property
    def has_form(self) -> bool:
        """Whether it can be asked for, and answered, by a form."""
        kinds = {argument.kind for argument in self.arguments}
        return not (self.is_inner or self.is_endless or Kind.LIST in kinds)

    def argument(self, name: str) -> Argument | None:
        """Give the argument of this name."""
        return next((argument for argument in self.arguments if argument.name == name), None)

    def check(self, args: Args) -> dict[str, object]:
        """Give the arguments that were given, null ones left out; `OperationError` ``bad-arguments``."""
        for name in args:
            if self.argument(name) is None:
                raise OperationError("bad-arguments", f"{self.name} takes no argument {name}")
        given = {name: value for name, value in args.items() if value is not None}
        for argument in self.arguments:
            if argument.name in given:
                argument.check(self.name, given[argument.name])
            elif argument.is_required:
                raise OperationError("bad-arguments", f"{self.name} needs the argument {argument.name}")
        return given


@dataclass(frozen=True, slots=True)
class Subject:
    """A group of operations: ``xmppctl NAME …``, a chapter of the manual."""

    name: str
    title: str
    summary: str
    operations: tuple[Operation, ...]
    details: str = ""

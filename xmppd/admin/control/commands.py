"""What a control command is: a function with typed arguments, found by its name.

The functions stand in one file for each subject. They take the `ControlParts`, then named arguments, and give
JSON-able data or a Deferred of it; they raise `ControlError` for what the administrator can mend::

    @command("user.del")
    @deferred
    async def user_del(parts: ControlParts, jid: str) -> Ended:
        ...

Before a function is called, its arguments are held against its signature: unknown, missing and wrongly typed ones
never reach it. A parameter ``progress`` gets a function that sends a progress line.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType, NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import Args, ControlError, Progress
from xmppd.config.findings import ConfigErrors
from xmppd.core.loader import ModuleError
from xmppd.storage.interface import StorageError, StorageFull

F = TypeVar("F", bound=Callable[..., object])

_DECLARED = "_xmppd_command"
_PROGRESS = "progress"


@dataclass(frozen=True, slots=True)
class Argument:
    """One named argument of a command."""

    types: tuple[type, ...]
    is_required: bool


@dataclass(frozen=True, slots=True)
class Command:
    """A command: what it does and what it takes."""

    name: str
    function: Callable[..., object]
    arguments: Mapping[str, Argument]
    has_progress: bool

    def check(self, args: Args) -> None:
        """Raise `ControlError` ``bad-arguments`` unless *args* fit."""
        for name in args:
            if name not in self.arguments:
                raise ControlError("bad-arguments", f"{self.name} takes no argument {name}")
        for name, argument in self.arguments.items():
            if name not in args:
                if argument.is_required:
                    raise ControlError("bad-arguments", f"{self.name} needs the argument {name}")
            elif type(args[name]) not in argument.types:
                wanted = " or ".join(_JSON_NAMES.get(kind, kind.__name__) for kind in argument.types)
                raise ControlError("bad-arguments", f"{self.name}: {name} must be {wanted}")


def command(name: str) -> Callable[[F], F]:
    """Declare that a function does the control command *name*."""

    def mark(function: F) -> F:
        function.__dict__[_DECLARED] = name
        return function

    return mark


def commands_in(*sources: ModuleType) -> dict[str, Command]:
    """Give the commands that are declared in these Python modules, by name."""
    return {found.name: found for source in sources for found in _declared(source)}


def _declared(source: ModuleType) -> Iterator[Command]:
    for function in vars(source).values():
        name = getattr(function, _DECLARED, None)
        if name is not None:
            yield _command(name, function)


def _command(name: str, function: Callable[..., object]) -> Command:
    plain = inspect.unwrap(function)
    hints = get_type_hints(plain)
    parameters = list(inspect.signature(plain).parameters.values())[1:]
    arguments = {
        parameter.name: Argument(_types(hints[parameter.name]), parameter.default is inspect.Parameter.empty)
        for parameter in parameters
        if parameter.name != _PROGRESS
    }
    return Command(name, function, arguments, any(parameter.name == _PROGRESS for parameter in parameters))


def _types(hint: type | UnionType) -> tuple[type, ...]:
    if isinstance(hint, UnionType):
        return tuple(kind for part in get_args(hint) for kind in _types(part))
    return (get_origin(hint) or hint,)


_JSON_NAMES = {str: "a text", bool: "true or false", int: "a whole number", list: "a list", NoneType: "null"}


class Commands:
    """Runs commands by their names; whatever goes wrong comes out as a `ControlError`."""

    _log = Logger()

    def __init__(self, parts: ControlParts, table: Mapping[str, Command]):
        self._parts = parts
        self._table = table

    def run(self, name: str, args: Args, progress: Progress) -> Deferred[Any]:
        """Do the command *name*; fires with its result, fails with `ControlError` and nothing else."""
        return maybeDeferred(self._call, name, args, progress).addErrback(self._failed, name)

    def _call(self, name: str, args: Args, progress: Progress) -> object:
        found = self._table.get(name)
        if found is None:
            raise ControlError(
                "no-such-command", f"this server knows no command {name}; is it an older version?"
            )
        found.check(args)
        extra = {_PROGRESS: progress} if found.has_progress else {}
        return found.function(self._parts, **args, **extra)

    def _failed(self, failure: Failure, name: str) -> Failure:
        if failure.check(ControlError):
            return failure
        for kind, id, remedy in _KNOWN:
            if failure.check(kind):
                raise ControlError(id, f"{failure.value}{remedy}") from failure.value
        self._log.failure("The control command {command} has failed", failure, command=name)
        raise ControlError(
            "internal-error", f"{name} has failed ({type(failure.value).__name__}); the log has the traceback"
        )


_KNOWN: tuple[tuple[type[Exception], str, str], ...] = (
    (ConfigErrors, "config-errors", ""),
    (ModuleError, "module-error", "; to see what is there: xmppctl module list"),
    (StorageFull, "storage-full", "; make room and try again"),
    (StorageError, "storage-failed", "; the reason is in the server's log"),
)
"""What others raise and an administrator can understand: class, id, what to do about it; the first that fits."""

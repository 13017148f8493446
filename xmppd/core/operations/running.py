"""Running operations by their names: what does each, held against its declaration.

The functions take the parts that they work with, then the arguments by name, and give JSON-able data or a Deferred of
it; they raise `OperationError` for what the operator can mend::

    @does("user.del")
    @deferred
    async def user_del(parts: ControlParts, jid: str) -> Ended:
        ...

A parameter ``progress`` gets a function that sends a progress line.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType, NoneType, UnionType
from typing import Any, Final, TypeVar, get_args, get_origin, get_type_hints

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.config.findings import ConfigErrors
from xmppd.core.loader import ModuleError
from xmppd.core.operations.declaring import Args, Operation, Subject
from xmppd.core.operations.errors import ENDED, OperationError
from xmppd.storage.interface import StorageError, StorageFull

F = TypeVar("F", bound=Callable[..., object])
Progress = Callable[[object], None]
"""How an operation says how far it is: called with JSON-able content for one progress line."""

_DECLARED: Final = "_xmppd_operation"
_PROGRESS: Final = "progress"


def does(name: str) -> Callable[[F], F]:
    """Say that a function does the operation *name*."""

    def mark(function: F) -> F:
        function.__dict__[_DECLARED] = name
        return function

    return mark


@dataclass(frozen=True, slots=True)
class Runnable:
    """An operation and the function that does it."""

    operation: Operation
    function: Callable[..., object]
    has_progress: bool


def runnable_in(subjects: Iterable[Subject], *sources: ModuleType) -> dict[str, Runnable]:
    """Join what is declared with what does it, by name; TypeError where the two do not fit."""
    declared = {each.name: each for subject in subjects for each in subject.operations}
    return {name: _joined(name, function, declared) for name, function in _functions(sources)}


def _functions(sources: Iterable[ModuleType]) -> Iterator[tuple[str, Callable[..., object]]]:
    for source in sources:
        for function in vars(source).values():
            name = getattr(function, _DECLARED, None)
            if name is not None:
                yield name, function


def _joined(name: str, function: Callable[..., object], declared: Mapping[str, Operation]) -> Runnable:
    if name not in declared:
        raise TypeError(f"{function.__module__} does {name}, which is declared nowhere")
    operation = declared[name]
    plain = inspect.unwrap(function)
    parameters = list(inspect.signature(plain).parameters.values())[1:]
    hints = get_type_hints(plain)
    takes = {
        each.name: _types(hints[each.name]) - {NoneType} for each in parameters if each.name != _PROGRESS
    }
    needs = {each.name for each in parameters if each.default is each.empty} - {_PROGRESS}
    wanted = {each.name: {each.kind.type} for each in operation.arguments}
    if takes != wanted or needs != {each.name for each in operation.arguments if each.is_required}:
        raise TypeError(f"{name} is declared with other arguments than {function.__module__} takes")
    return Runnable(operation, function, any(each.name == _PROGRESS for each in parameters))


def _types(hint: type | UnionType) -> set[type]:
    if isinstance(hint, UnionType):
        return {kind for part in get_args(hint) for kind in _types(part)}
    return {get_origin(hint) or hint}


class Operations:
    """Runs operations by their names; whatever goes wrong comes out as an `OperationError`."""

    _log = Logger()

    def __init__(self) -> None:
        self._table: dict[str, tuple[Runnable, object]] = {}

    def add(self, parts: object, table: Mapping[str, Runnable]) -> None:
        """Offer what *table* has; the functions are handed *parts*."""
        for name, runnable in table.items():
            self._table[name] = runnable, parts

    def __iter__(self) -> Iterator[Operation]:
        """Give all that there are, by name."""
        return (self._table[name][0].operation for name in sorted(self._table))

    def get(self, name: str) -> Operation | None:
        """Give the operation *name*."""
        found = self._table.get(name)
        return None if found is None else found[0].operation

    def is_endless(self, name: str) -> bool:
        """Whether the operation *name* goes on until who asked goes away; then its Deferred is cancelled."""
        found = self.get(name)
        return found is not None and found.is_endless

    def run(self, name: str, args: Args, progress: Progress = lambda content: None) -> Deferred[Any]:
        """Do the operation *name*; fires with its result, fails with `OperationError` and nothing else."""
        return maybeDeferred(self._call, name, args, progress).addErrback(self._failed, name)

    def _call(self, name: str, args: Args, progress: Progress) -> object:
        found = self._table.get(name)
        if found is None:
            raise OperationError(
                "no-such-command", f"this server knows no command {name}; is it an older version?"
            )
        runnable, parts = found
        given = runnable.operation.check(args)
        extra = {_PROGRESS: progress} if runnable.has_progress else {}
        return runnable.function(parts, **given, **extra)

    def _failed(self, failure: Failure, name: str) -> Failure:
        if failure.check(OperationError):
            return failure
        if failure.check(CancelledError):
            raise OperationError(ENDED, f"{name} has ended, since who asked for it has gone") from None
        for kind, id, remedy in _KNOWN:
            if failure.check(kind):
                raise OperationError(id, f"{failure.value}{remedy}") from failure.value
        self._log.failure("The operation {operation} has failed", failure, operation=name)
        raise OperationError(
            "internal-error", f"{name} has failed ({type(failure.value).__name__}); the log has the traceback"
        )


_KNOWN: tuple[tuple[type[Exception], str, str], ...] = (
    (ConfigErrors, "config-errors", ""),
    (ModuleError, "module-error", "; to see what is there: xmppctl module list"),
    (StorageFull, "storage-full", "; make room and try again"),
    (StorageError, "storage-failed", "; the reason is in the server's log"),
)
"""What others raise and an operator can understand: class, id, what to do about it; the first that fits."""

"""Operations by their names: their arguments, and what becomes of their errors."""

from types import ModuleType
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.findings import ConfigErrors, Finding
from xmppd.core.loader import ModuleError
from xmppd.core.operations.declaring import Argument, Kind, Operation, Subject, option
from xmppd.core.operations.errors import OperationError
from xmppd.core.operations.running import Operations, Progress, Runnable, does, runnable_in
from xmppd.core.waiting import deferred
from xmppd.storage.interface import StorageFailed, StorageFull

SUBJECT = Subject(
    "",
    "Tests",
    "Tests.",
    (
        Operation(
            "plain",
            "Give what was given.",
            (
                Argument("name"),
                option("count", "How many.", Kind.NUMBER),
                option("items", "Which.", Kind.LIST),
                option("way", "How.", choices=("up", "down")),
            ),
        ),
        Operation("waiting", "Wait.", (Argument("until", kind=Kind.FLAG),)),
        Operation("failing", "Fail."),
    ),
)


@does("plain")
def plain(
    parts: Any, name: str, count: int = 1, items: list[Any] | None = None, way: str | None = None
) -> Any:
    """Give what was given."""
    return [name, count, items]


@does("waiting")
@deferred
async def waiting(parts: Any, until: bool, progress: Progress) -> Any:
    """Say how far it is, then wait for what the parts are."""
    progress(until)
    return await parts


@does("failing")
def failing(parts: Any) -> Any:
    """Raise what the parts are."""
    raise parts


def undeclared(parts: Any) -> None:
    """No operation."""


def _table(**functions: Any) -> dict[str, Runnable]:
    source = ModuleType("source")
    vars(source).update(functions)
    return runnable_in([SUBJECT], source)


class RunningTests(SynchronousTestCase):
    """`Operations.run`."""

    def run_command(self, name: str, args: dict[str, Any], parts: Any = None) -> Deferred[Any]:
        """Run a command of this file with anything in place of the parts."""
        self.progress: list[Any] = []
        operations = Operations()
        operations.add(parts, _table(plain=plain, waiting=waiting, failing=failing, undeclared=undeclared))
        return operations.run(name, args, self.progress.append)

    def refusal(self, name: str, args: dict[str, Any], parts: Any = None) -> OperationError:
        """Give the error of a command that fails."""
        return cast(
            OperationError, self.failureResultOf(self.run_command(name, args, parts), OperationError).value
        )

    def test_arguments_by_name(self) -> None:
        """Arguments reach the function by name; those with a default may be missing."""
        given = {"name": "a", "items": [1]}
        self.assertEqual(self.successResultOf(self.run_command("plain", given)), ["a", 1, [1]])

    def test_arguments_that_do_not_fit(self) -> None:
        """Unknown, missing and wrongly typed ones are refused, and named; true is no number."""
        for args, why in (
            ({"name": "a", "nmae": "b"}, "plain takes no argument nmae"),
            ({}, "plain needs the argument name"),
            ({"name": 1}, "plain: name must be a text"),
            ({"name": "a", "count": True}, "plain: count must be a whole number"),
            ({"name": "a", "items": {}}, "plain: items must be a list"),
            ({"name": "a", "way": "left"}, "plain: way is one of up, down"),
        ):
            error = self.refusal("plain", args)
            self.assertEqual((error.id, error.message), ("bad-arguments", why))

    def test_progress_is_no_argument(self) -> None:
        """The function that tells progress cannot come from outside."""
        self.assertEqual(self.refusal("waiting", {"until": True, "progress": "x"}).id, "bad-arguments")

    def test_waiting(self) -> None:
        """A command may wait, and say how far it is meanwhile."""
        parts: Deferred[str] = Deferred()
        running = self.run_command("waiting", {"until": True}, parts)
        self.assertNoResult(running)
        self.assertEqual(self.progress, [True])
        parts.callback("done")
        self.assertEqual(self.successResultOf(running), "done")

    def test_unknown_command(self) -> None:
        """A newer xmppctl may ask for what this server does not know."""
        self.assertEqual(self.refusal("undeclared", {}).id, "no-such-command")

    def test_errors_that_an_administrator_understands(self) -> None:
        """Broken configuration, modules and full disks are told as they are, not as bugs."""
        finding = Finding("config.x", "error", "f:1", "what", "why", "remedy")
        for raised, id in (
            (OperationError("own", "x"), "own"),
            (ConfigErrors([finding]), "config-errors"),
            (ModuleError("x"), "module-error"),
            (StorageFull("x"), "storage-full"),
            (StorageFailed("x"), "storage-failed"),
        ):
            self.assertEqual(self.refusal("failing", {}, raised).id, id)
        self.assertEqual(
            self.refusal("failing", {}, ConfigErrors([finding])).message, "f:1: what: why; remedy"
        )

    def test_bug(self) -> None:
        """Anything else is logged with its traceback; the administrator gets one line without its content."""
        error = self.refusal("failing", {}, RuntimeError("secret"))
        self.assertEqual(error.id, "internal-error")
        self.assertNotIn("secret", error.message)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_what_does_not_fit_its_declaration(self) -> None:
        """A function takes what the declaration says, no more and no less, and there is a declaration."""

        def lacking(parts: Any) -> None: ...

        def of_another_type(parts: Any, until: str) -> None: ...

        def optional(parts: Any, until: bool = False) -> None: ...

        for function, name in (
            (lacking, "waiting"),
            (of_another_type, "waiting"),
            (optional, "waiting"),
            (failing, "nowhere"),
        ):
            with self.assertRaises(TypeError):
                _table(it=does(name)(function))

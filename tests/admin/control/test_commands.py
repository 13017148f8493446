"""What a control command is: its arguments, and what becomes of its errors."""

from types import ModuleType
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.admin.control.commands import Command, Commands, command, commands_in
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.service import command_table
from xmppd.admin.control.wire import ControlError, Progress
from xmppd.config.findings import ConfigErrors, Finding
from xmppd.core.loader import ModuleError
from xmppd.core.waiting import deferred
from xmppd.storage.interface import StorageFailed, StorageFull


@command("plain")
def plain(parts: ControlParts, name: str, count: int = 1, items: list[Any] | None = None) -> Any:
    """Give what was given."""
    return [name, count, items]


@command("waiting")
@deferred
async def waiting(parts: Any, until: bool, progress: Progress) -> Any:
    """Say how far it is, then wait for what the parts are."""
    progress(until)
    return await parts


@command("failing")
def failing(parts: Any) -> Any:
    """Raise what the parts are."""
    raise parts


def undeclared(parts: Any) -> None:
    """No command."""


def _table() -> dict[str, Command]:
    source = ModuleType("source")
    vars(source).update(plain=plain, waiting=waiting, failing=failing, undeclared=undeclared)
    return commands_in(source)


class CommandTests(SynchronousTestCase):
    """`Commands.run`."""

    def run_command(self, name: str, args: dict[str, Any], parts: Any = None) -> Deferred[Any]:
        """Run a command of this file with anything in place of the parts."""
        self.progress: list[Any] = []
        return Commands(cast(ControlParts, parts), _table()).run(name, args, self.progress.append)

    def refusal(self, name: str, args: dict[str, Any], parts: Any = None) -> ControlError:
        """Give the error of a command that fails."""
        return cast(
            ControlError, self.failureResultOf(self.run_command(name, args, parts), ControlError).value
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
            ({"name": "a", "items": {}}, "plain: items must be a list or null"),
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
            (ControlError("own", "x"), "own"),
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

    def test_the_commands_that_there_are(self) -> None:
        """The names that xmppctl and scripts rely on."""
        names = "component.close component.list component.show host.list host.purge host.rename "
        names += "module.hooks module.list module.load module.reload module.unload reload "
        names += "room.affiliation room.create room.destroy room.kick room.list room.occupants room.show s2s.close "
        names += "s2s.connect s2s.list "
        names += "session.clients session.kick session.list session.revoke status stop "
        names += "user.add user.del user.disable user.enable user.import user.list user.look user.may-add "
        names += "user.passwd user.restore"
        self.assertEqual(sorted(command_table()), names.split())

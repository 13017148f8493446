"""A server that answers what the test says, and a way to run xmppctl against it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from click.shell_completion import ShellComplete
from click.testing import CliRunner, Result

from xmppd.admin.control.client import ServerNotRunning
from xmppd.admin.control.wire import ControlError, Progress
from xmppd.admin.xmppctl.app import app
from xmppd.admin.xmppctl.tool import Tool
from xmppd.core.operations.declaring import Args


class FakeConnection:
    """Keeps what it is asked; answers with a value, by calling a function, or by raising."""

    def __init__(self, answers: Mapping[str, Any]):
        self.answers = answers
        self.asked: list[tuple[str, Args]] = []
        self.is_closed = False

    def call(self, command: str, args: Args, on_progress: Progress = lambda content: None) -> Any:
        """Answer *command*; what it has no answer for it does not know, as an older server."""
        if command not in self.answers:
            raise ControlError("no-such-command", command)
        self.asked.append((command, args))
        answer = self.answers[command]
        if isinstance(answer, Exception):
            raise answer
        return answer(args, on_progress) if isinstance(answer, Callable) else answer  # type: ignore[arg-type]

    def close(self) -> None:
        """Note that the connection was closed."""
        self.is_closed = True


class Bench:
    """xmppctl with a fake server, or with none and a fake store."""

    def __init__(self, *, is_running: bool = True, env: Mapping[str, str] | None = None, **answers: Any):
        """*answers* are by command, with "_" for the dot; a running server answers them, else the store does."""
        self.connection = FakeConnection({name.replace("_", "."): answer for name, answer in answers.items()})
        self.is_running = is_running
        self.env = {"XMPPD_DATA": "/nowhere/data"} if env is None else env
        self.running: list[Path] = []
        """Where servers run on this machine; that of these is the last."""
        self.reached: list[Path] = []
        self.opened: list[Path | None] = []

    @classmethod
    def answering(cls, command: str, answer: Any) -> "Bench":
        """Give one whose running server knows a single command."""
        bench = cls()
        bench.connection.answers = {command: answer}
        return bench

    def run(self, *args: str, typed: str | None = None) -> Result:
        """Run xmppctl with these arguments."""
        return CliRunner().invoke(app, args, obj=self._tool(), input=typed, prog_name="xmppctl")

    def complete(self, *args: str, word: str) -> list[str]:
        """Give what *word* behind these arguments may become."""
        completing = ShellComplete(app, {"obj": self._tool()}, "xmppctl", "_XMPPCTL_COMPLETE")
        return [item.value for item in completing.get_completions(list(args), word)]

    @property
    def asked(self) -> list[tuple[str, Args]]:
        """What the server or store was asked."""
        return self.connection.asked

    def _tool(self) -> Tool:
        return Tool(
            env=self.env,
            reach_server=self._reach,
            open_store=self._open,
            running_here=lambda: self.running,
        )

    def _reach(self, data_dir: Path) -> FakeConnection:
        self.reached.append(data_dir)
        if not self.is_running and data_dir not in self.running:
            raise ServerNotRunning(str(data_dir))
        return self.connection

    def _open(self, config_file: Path | None, env: Mapping[str, str]) -> FakeConnection:
        self.opened.append(config_file)
        return self.connection

"""``xmppctl shell``: the commands one after the other, with history and completion; or from a file or a pipe.

Lines are read by the standard library's readline (decision 0019). What has a password in it is not kept in the history.
"""

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import click
from click.shell_completion import ShellComplete

from xmppd.admin.xmppctl.groups import Command, pass_tool
from xmppd.admin.xmppctl.output import complain, say
from xmppd.admin.xmppctl.tool import Tool

with suppress(ImportError):  # not every Python has it
    import readline

PROMPT: Final = "xmppctl> "
HISTORY: Final = "xmppctl/history"
KEPT: Final = 1_000
ENDS: Final = ("exit", "quit")
SECRET: Final = "--password"
_DELIMITERS: Final = " \t\n"
"""What separates words; not the ``@`` and ``-`` of addresses and options."""


@click.command(cls=Command)
@click.pass_context
@pass_tool
def shell(tool: Tool, context: click.Context) -> int:
    """Take commands one after the other, with history and completion.

    Each line is what would follow "xmppctl"; "help" shows what there is, "exit" or Ctrl-D ends it. From a pipe it takes
    a command a line, and ends with the first that fails.
    """
    app = context.find_root().command
    if not sys.stdin.isatty():
        return _run_all(app, tool, (line.rstrip("\n") for line in sys.stdin))
    say('commands as behind "xmppctl"; help, exit; the Tab key completes')
    with_history(app)
    while True:
        try:
            line = input(PROMPT)
        except EOFError:
            say("")
            return 0
        except KeyboardInterrupt:
            say("")
            continue
        if line.strip() in ENDS:
            return 0
        run_line(app, tool, line)
        _forget_secrets(line)


def run_line(app: click.Command, tool: Tool, line: str) -> int:
    """Run one line, and give its status; an empty one and a remark are done."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        complain(f"{str(error).lower()}: close the quotes")
        return 1
    if not words:
        return 0
    if words[:1] == ["help"]:
        words = [*words[1:], "--help"]
    if words[:1] == ["xmppctl"]:
        words = words[1:]
    own = Tool(
        config_file=tool.config_file,
        is_json=tool.is_json,
        env=tool.env,
        reach_server=tool.reach_server,
        running_here=tool.running_here,
        open_store=tool.open_store,
    )
    try:
        app.main(words, prog_name="xmppctl", obj=own)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    return 0


def completions(app: click.Command, line: str, word: str) -> Iterator[str]:
    """Give what *word*, the last one of *line*, may become."""
    before = line[: len(line) - len(word)]
    try:
        words = shlex.split(before)
    except ValueError:
        return
    found = ShellComplete(app, {}, "xmppctl", "_XMPPCTL_COMPLETE").get_completions(words, word)
    yield from (item.value for item in found if item.value)
    if not words:
        yield from (each for each in (*ENDS, "help") if each.startswith(word))


def with_history(app: click.Command) -> None:
    """Have lines be edited, completed, and kept from one time to the next."""
    if "readline" not in globals():
        return
    readline.set_completer_delims(_DELIMITERS)
    readline.set_completer(_completer(app))
    readline.parse_and_bind("tab: complete")
    file = _history_file()
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file.exists():
            file.touch(mode=0o600)
        readline.read_history_file(file)
    readline.set_history_length(KEPT)


def _completer(app: click.Command) -> Callable[[str, int], str | None]:
    found: list[str] = []

    def complete(word: str, number: int) -> str | None:
        if number == 0:
            line = readline.get_line_buffer()[: readline.get_endidx()]
            found[:] = [f"{each} " for each in completions(app, line, word)]
        return found[number] if number < len(found) else None

    return complete


def _forget_secrets(line: str) -> None:
    if "readline" not in globals():
        return
    length = readline.get_current_history_length()
    if SECRET in line and length:
        readline.remove_history_item(length - 1)
    with suppress(OSError):
        readline.write_history_file(_history_file())


def _history_file() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return Path(state, HISTORY)


def _run_all(app: click.Command, tool: Tool, lines: Iterator[str]) -> int:
    for line in lines:
        status = run_line(app, tool, line)
        if status:
            return status
    return 0

"""``xmppctl reload``, ``stop``, ``check`` and ``completion``: the server as a whole."""

import importlib

import click
from click.shell_completion import get_completion_class

from xmppd.admin.control.answers import ReadAnew, Stopping
from xmppd.admin.control.client import ControlClient
from xmppd.admin.control.wire import ControlError
from xmppd.admin.operations.catalogue import BY_NAME
from xmppd.admin.xmppctl.generated import ask, tell
from xmppd.admin.xmppctl.groups import Command, pass_tool
from xmppd.admin.xmppctl.output import say
from xmppd.admin.xmppctl.tool import Tool

STOP_TIMEOUT_S = 30.0
NOT_DONE = 1
_SHELLS = ("bash", "zsh", "fish")


@click.command(cls=Command)
@pass_tool
def reload(tool: Tool) -> int:
    """Read certificates, log level, limits anew.

    No session is dropped. Where the new configuration is broken, the old one stays in force. Status 1 if anything in it
    could not be used.
    """
    operation = BY_NAME["reload"]
    result: ReadAnew = ask(tool, operation, {})
    tell(tool, operation, result, {})
    return NOT_DONE if result["mistakes"] else 0


@click.command(cls=Command)
@pass_tool
def stop(tool: Tool) -> None:
    """Stop the server; wait until it has."""
    operation = BY_NAME["stop"]
    with tool.server() as connection:
        result: Stopping = connection.call(operation.name, {})
        has_ended = not isinstance(connection, ControlClient) or connection.wait_for_end(STOP_TIMEOUT_S)
    if not has_ended:
        pid = result["pid"]
        raise ControlError(
            "still-stopping",
            f"process {pid} is still stopping after {STOP_TIMEOUT_S:.0f} s; its log may say why",
        )
    tell(tool, operation, result, {})


@click.command(cls=Command)
@click.argument("what", nargs=-1)
@click.option("--offline", is_flag=True, help="Ask no other machines.")
@pass_tool
def check(tool: Tool, what: tuple[str, ...], offline: bool) -> int:
    """Look for mistakes in the configuration.

    And around it: host names, certificates, listeners, the data folder. Status 0 fine, 2 problems.

    WHAT is config, names, certificates, listeners, dns, web, relays, data, system, tls or libraries; all of them
    without it. With features: what is missing of what users may want, and what to write for it.
    """
    checking = importlib.import_module("xmppd.admin.xmppctl.checking")
    text, status = checking.run(tool.config_file, tool.env, what, offline, tool.is_json)
    say(text)
    return int(status)


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print a shell's completion script.

    For bash: eval "$(xmppctl completion bash)" in ~/.bashrc; for zsh the same in ~/.zshrc; for fish: xmppctl
    completion fish > ~/.config/fish/completions/xmppctl.fish
    """
    script = get_completion_class(shell)
    assert script is not None, "click has all three"
    root = context.find_root()
    program = root.info_name or "xmppctl"
    say(script(root.command, {}, program, f"_{program.upper().replace('-', '_')}_COMPLETE").source())

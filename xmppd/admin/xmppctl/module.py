"""``xmppctl module``: what is loaded into the running server."""

import click

from xmppd.admin.control.answers import HookRow, ModuleChanged, ModuleRow
from xmppd.admin.xmppctl.groups import Group, pass_tool
from xmppd.admin.xmppctl.output import as_json, say, table
from xmppd.admin.xmppctl.tool import Tool

host_option = click.option("--host", metavar="HOST", help="This host only; else all hosts.")


@click.group(cls=Group, short_help="Modules: list, load, unload, reload, hooks.")
def module() -> None:
    """Modules: what is loaded.

    Changes last until the server stops; the configuration file says what it starts with.
    """


@module.command("list")
@host_option
@pass_tool
def list_modules(tool: Tool, host: str | None) -> None:
    """List all modules and the hosts that have them loaded."""
    modules: list[ModuleRow] = tool.ask_server("module.list", host=host)
    if tool.is_json:
        as_json(modules)
        return
    headings = ("Module", "Loaded on", "XEPs", "What it is")
    table(headings, [_row(each) for each in modules])


@module.command()
@click.argument("name")
@host_option
@pass_tool
def load(tool: Tool, name: str, host: str | None) -> None:
    """Load a module, and what it requires."""
    _change(tool, "loaded", "module.load", name, host)


@module.command()
@click.argument("name")
@host_option
@pass_tool
def unload(tool: Tool, name: str, host: str | None) -> None:
    """Take a module out."""
    _change(tool, "unloaded", "module.unload", name, host)


@module.command()
@click.argument("name")
@host_option
@pass_tool
def reload(tool: Tool, name: str, host: str | None) -> None:
    """Read a module's file anew; if that fails, the old one stays."""
    _change(tool, "reloaded", "module.reload", name, host)


@module.command()
@host_option
@pass_tool
def hooks(tool: Tool, host: str | None) -> None:
    """Show who joins which hook, in the order in which they are called."""
    links: list[HookRow] = tool.ask_server("module.hooks", host=host)
    if tool.is_json:
        as_json(links)
        return
    table(
        ("Host", "Hook", "Station", "Module"),
        [(link["host"], link["hook"], link["station"] or "-", link["module"] or "-") for link in links],
    )


def _change(tool: Tool, done: str, command: str, name: str, host: str | None) -> None:
    result: ModuleChanged = tool.ask_server(command, name=name, host=host)
    if tool.is_json:
        as_json(result)
    else:
        say(f"{name} {done} on {', '.join(result['hosts'])}")


def _row(module: ModuleRow) -> tuple[str, ...]:
    xeps = ", ".join(f"{number:04}" for number in module["xeps"])
    return module["name"], ", ".join(module["hosts"]) or "-", xeps, module["summary"]

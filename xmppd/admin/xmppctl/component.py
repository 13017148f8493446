"""``xmppctl component``: programs that connect as a service."""

import click

from xmppd.admin.control.answers import ComponentDetails, ComponentRow, ComponentsClosed
from xmppd.admin.xmppctl.groups import Group, pass_tool
from xmppd.admin.xmppctl.output import as_json, local_time, say, table
from xmppd.admin.xmppctl.tool import Tool

HEADINGS = ("Component", "State", "Address", "Since", "In", "Out", "Waiting")
NUMBERS = (4, 5, 6)


@click.group(cls=Group, short_help="Components: list, show, close.")
def component() -> None:
    """Components: programs that connect as a service (XEP-0114)."""


@component.command("list")
@pass_tool
def list_components(tool: Tool) -> None:
    """List all components that programs connect as, whether one does or not."""
    found: list[ComponentRow] = tool.ask_server("component.list")
    if tool.is_json:
        as_json(found)
    elif not found:
        say("there is no component that a program connects as")
    else:
        table(HEADINGS, [_row(each) for each in found], right=NUMBERS)


@component.command()
@click.argument("name")
@pass_tool
def show(tool: Tool, name: str) -> None:
    """Show the component NAME, and what it may do."""
    found: ComponentDetails = tool.ask_server("component.show", name=name)
    if tool.is_json:
        as_json(found)
        return
    table(HEADINGS, [_row(found["component"])], right=NUMBERS)
    for host, rights in found["privileges"].items():
        say(f"at {host}: " + ", ".join(f"{what} {access}" for what, access in rights.items()))
    for host, namespaces in found["delegated"].items():
        say(f"manages at {host}: " + ", ".join(namespaces))


@component.command()
@click.argument("name")
@pass_tool
def close(tool: Tool, name: str) -> None:
    """End the connection of the component NAME; its program may connect again."""
    result: ComponentsClosed = tool.ask_server("component.close", name=name)
    if tool.is_json:
        as_json(result)
        return
    for each in result["closed"]:
        say(f"{each} ended")


def _row(row: ComponentRow) -> tuple[str, ...]:
    state = "connected" if row["connected"] else "absent"
    if row["connection_of"] is not None:
        state += f" (by {row['connection_of']})"
    since = "" if row["since"] is None else local_time(row["since"])
    numbers = f"{row['stanzas_in']:,}", f"{row['stanzas_out']:,}", f"{row['waiting']:,}"
    return row["name"], state, row["address"] or "", since, *numbers

"""``xmppctl room``: the rooms of the running server."""

import click

from xmppd.admin.control.answers import RoomAffiliation, RoomNamed, RoomOccupant, RoomRow, RoomShown
from xmppd.admin.xmppctl.groups import Group, pass_tool
from xmppd.admin.xmppctl.output import as_json, local_time, say, table, yes
from xmppd.admin.xmppctl.tool import Tool

reason_option = click.option("--reason", metavar="TEXT", help="What those concerned are told.")


@click.group(cls=Group, short_help="Rooms: list, show, create, destroy, affiliation, occupants, kick.")
def room() -> None:
    """Rooms: which there are, who is in them, and what becomes of them.

    A ROOM is written as name@rooms.example.org, or as a lone name where there is one service of rooms.
    """


@room.command("list")
@click.argument("service", required=False)
@pass_tool
def list_rooms(tool: Tool, service: str | None) -> None:
    """List all rooms, hidden ones too, or those of one SERVICE."""
    rooms: list[RoomRow] = tool.ask_server("room.list", service=service)
    if tool.is_json:
        as_json(rooms)
    elif not rooms:
        say("there are no rooms")
    else:
        headings = ("Room", "Title", "Occupants", "Listed", "Stays", "Made by")
        rows = [
            (
                each["room"],
                each["title"],
                str(each["occupants"]),
                yes(each["public"]),
                yes(each["persistent"]),
                each["creator"],
            )
            for each in rooms
        ]
        table(headings, rows, right=(2,))


@room.command()
@click.argument("room")
@pass_tool
def show(tool: Tool, room: str) -> None:
    """Show a room's settings and affiliations."""
    shown: RoomShown = tool.ask_server("room.show", room=room)
    if tool.is_json:
        as_json(shown)
        return
    lines = {
        "Room": shown["room"],
        "Made": f"{local_time(shown['created'])} by {shown['creator']}",
        "Occupants": str(shown["occupants"]),
        "Subject": shown["subject"],
        "Password": yes(shown["password"]),
        **shown["settings"],
    }
    table(("What", "Value"), list(lines.items()))
    rows = [
        (each["jid"], each["affiliation"], each["nick"], each["reason"]) for each in shown["affiliations"]
    ]
    table(("JID", "Affiliation", "Nick", "Reason"), rows)


@room.command()
@click.argument("room")
@click.argument("owner")
@pass_tool
def create(tool: Tool, room: str, owner: str) -> None:
    """Make a ROOM that stays when nobody is in it, for an OWNER."""
    _done(tool, "made", tool.ask_server("room.create", room=room, owner=owner))


@room.command()
@click.argument("room")
@reason_option
@click.option("--venue", metavar="ROOM", help="Where to go instead.")
@pass_tool
def destroy(tool: Tool, room: str, reason: str | None, venue: str | None) -> None:
    """Destroy a ROOM with all that was said in it."""
    _done(tool, "destroyed", tool.ask_server("room.destroy", room=room, reason=reason, venue=venue))


@room.command()
@click.argument("room")
@click.argument("jid")
@click.argument("affiliation", type=click.Choice(("owner", "admin", "member", "none", "outcast")))
@reason_option
@pass_tool
def affiliation(tool: Tool, room: str, jid: str, affiliation: str, reason: str | None) -> None:
    """Make JID, an account or a domain, an owner, admin, member or outcast of a ROOM, or none of these."""
    given: RoomAffiliation = tool.ask_server(
        "room.affiliation", room=room, jid=jid, affiliation=affiliation, reason=reason
    )
    if tool.is_json:
        as_json(given)
    else:
        say(f"{given['jid']} has the affiliation {given['affiliation']}")


@room.command()
@click.argument("room")
@pass_tool
def occupants(tool: Tool, room: str) -> None:
    """List who is in a ROOM."""
    found: list[RoomOccupant] = tool.ask_server("room.occupants", room=room)
    if tool.is_json:
        as_json(found)
    elif not found:
        say("nobody is there")
    else:
        rows = [(each["nick"], ", ".join(each["jids"]), each["affiliation"], each["role"]) for each in found]
        table(("Nick", "JID", "Affiliation", "Role"), rows)


@room.command()
@click.argument("room")
@click.argument("nick")
@reason_option
@pass_tool
def kick(tool: Tool, room: str, nick: str, reason: str | None) -> None:
    """Remove who has a NICK from a ROOM."""
    result = tool.ask_server("room.kick", room=room, nick=nick, reason=reason)
    _done(tool, f"left by {nick}", result)


def _done(tool: Tool, what: str, result: RoomNamed) -> None:
    if tool.is_json:
        as_json(result)
    else:
        say(f"{result['room']} {what}")

"""Operations on rooms (XEP-0045)."""

from collections.abc import Iterable
from typing import Final

from xmppd.admin.control.answers import RoomShown
from xmppd.core.operations.declaring import Args, Argument, Kind, Operation, Subject, option
from xmppd.core.operations.showing import Block, Cell, Facts, Line, Moment, line, rows, table

ROOM: Final = Argument("room", kind=Kind.ROOM)
REASON: Final = option("reason", "What those concerned are told.")
AFFILIATIONS: Final = ("owner", "admin", "member", "none", "outcast")
_affiliations = rows(jid="JID", affiliation="Affiliation", nick="Nick", reason="Reason")


def _shown(room: RoomShown, args: Args) -> Iterable[Block]:
    facts: dict[str, Cell] = {
        "Room": room["room"],
        "Made": Line(Moment(room["created"]), f" by {room['creator']}"),
        "Occupants": room["occupants"],
        "Subject": room["subject"],
        "Password": room["password"],
        **room["settings"],
    }
    yield Facts(tuple(facts.items()))
    if room["affiliations"]:
        yield _affiliations(room["affiliations"])


SUBJECT: Final = Subject(
    "room",
    "Rooms",
    "Rooms: which there are, who is in them, and what becomes of them.",
    (
        Operation(
            "room.list",
            "List all rooms, hidden ones too, or those of one SERVICE.",
            (Argument("service", kind=Kind.ROOMS, is_required=False),),
            table(
                "there are no rooms; to make one: xmppctl room create NAME OWNER",
                room="Room",
                title="Title",
                occupants="Occupants",
                public="Public",
                persistent="Persistent",
                creator="Creator",
            ),
        ),
        Operation("room.show", "Show a ROOM's settings and affiliations.", (ROOM,), _shown),
        Operation(
            "room.create",
            "Make a ROOM that stays when nobody is in it, for an OWNER.",
            (ROOM, Argument("owner")),
            line("{room} made"),
        ),
        Operation(
            "room.destroy",
            "Destroy a ROOM with all that was said in it.",
            (ROOM, REASON, option("venue", "The room to go to instead.")),
            line("{room} destroyed"),
        ),
        Operation(
            "room.config",
            "Change settings of a ROOM, each as NAME=VALUE; room show has their names.",
            (ROOM, Argument("settings", kind=Kind.WORDS)),
            _shown,
            "For example: xmppctl room config coven is_members_only=true max_users=50. Who is there is told.",
        ),
        Operation(
            "room.affiliation",
            "Make JID, an account or a domain, an owner, admin, member or outcast of a ROOM, or none of these.",
            (ROOM, Argument("jid"), Argument("affiliation", kind=Kind.CHOICE, choices=AFFILIATIONS), REASON),
            line("{jid} has the affiliation {affiliation}"),
        ),
        Operation(
            "room.occupants",
            "List who is in a ROOM.",
            (ROOM,),
            table("nobody is there", nick="Nick", jids="JID", affiliation="Affiliation", role="Role"),
        ),
        Operation(
            "room.kick",
            "Remove who has a NICK from a ROOM.",
            (ROOM, Argument("nick"), REASON),
            line("{room} left by {nick}"),
        ),
    ),
    "A ROOM is written as name@rooms.example.org, or as a lone name where there is one service of rooms.",
)

"""Operations on components: programs that connect as a service (XEP-0114)."""

from collections.abc import Iterable
from typing import Final

from xmppd.admin.control.answers import ComponentDetails, ComponentRow, ComponentsClosed
from xmppd.core.operations.declaring import Args, Argument, Operation, Subject
from xmppd.core.operations.showing import Block, Heading, Line, computed, moment, rows, table


def _state(row: ComponentRow) -> str:
    state = "connected" if row["connected"] else "absent"
    return state if row["connection_of"] is None else f"{state} (by {row['connection_of']})"


COLUMNS: Final[dict[str, Heading]] = {
    "name": "Component",
    "state": computed("State", _state),
    "address": "Address",
    "since": moment("Since"),
    "stanzas_in": "In",
    "stanzas_out": "Out",
    "waiting": "Waiting",
}
NAME: Final = Argument("name")
_one = rows(**COLUMNS)


def _shown(found: ComponentDetails, args: Args) -> Iterable[Block]:
    yield _one([found["component"]])
    for host, rights in found["privileges"].items():
        yield Line(f"at {host}: " + ", ".join(f"{what} {access}" for what, access in rights.items()))
    for host, namespaces in found["delegated"].items():
        yield Line(f"manages at {host}: " + ", ".join(namespaces))


def _closed(result: ComponentsClosed, args: Args) -> Iterable[Block]:
    return [Line(f"{each} ended") for each in result["closed"]]


SUBJECT: Final = Subject(
    "component",
    "Components",
    "Components: programs that connect as a service (XEP-0114).",
    (
        Operation(
            "component.list",
            "List all components that programs connect as, whether one does or not.",
            shows=table("there is no component that a program connects as", **COLUMNS),
        ),
        Operation("component.show", "Show the component NAME, and what it may do.", (NAME,), _shown),
        Operation(
            "component.close",
            "End the connection of the component NAME; its program may connect again.",
            (NAME,),
            _closed,
        ),
    ),
)

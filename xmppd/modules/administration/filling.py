"""Forms for operations: what is asked, what was filled in, and what came of it."""

from collections.abc import Iterable, Mapping
from typing import Final

from xmppd.core.host import Host
from xmppd.core.operations.declaring import DOMAINS, OF_HOSTS, OF_NODES, OF_ROOMS, Argument, Kind, Operation
from xmppd.core.operations.showing import Block, Facts, Grid, Line, written
from xmppd.services.discovery.commands import Note, Stage, refused
from xmppd.stanza import forms
from xmppd.stanza.element import Element
from xmppd.stanza.forms import Submission
from xmppd.stanza.jid import JID, InvalidJID

ROOMS_MODULE: Final = "muc"
NODES_MODULE: Final = "pubsub"
_FIELDS: Final = {
    Kind.LINES: "text-multi",
    Kind.WORDS: "text-multi",
    Kind.FLAG: "boolean",
    Kind.SECRET: "text-private",
    Kind.ACCOUNT: "jid-single",
    Kind.ADDRESS: "jid-single",
    Kind.ROOM: "jid-single",
    Kind.NODES: "jid-single",
}


def fits(operation: Operation, host: Host) -> bool:
    """Whether a domain has what an operation is about; what is about the server is asked for at hosts with accounts."""
    kinds = {argument.kind for argument in operation.arguments}
    if kinds & OF_ROOMS:
        return ROOMS_MODULE in host.modules
    if kinds & OF_NODES:
        return host.has_accounts or NODES_MODULE in host.modules
    return host.has_accounts or (Kind.DOMAIN in kinds and not kinds & OF_HOSTS)


def room_of(operation: Operation) -> Argument | None:
    """Give the argument that names a room; None where there is none."""
    return next((argument for argument in operation.arguments if argument.kind is Kind.ROOM), None)


def asked(operation: Operation, target: JID, host: Host) -> tuple[Argument, ...]:
    """Give the arguments that a form asks for: neither the domain that is asked nor the room."""
    return tuple(
        argument
        for argument in operation.arguments
        if not _is_the_domain(argument, host) and not _is_the_room(argument, target)
    )


def _is_the_room(argument: Argument, target: JID) -> bool:
    return argument.kind is Kind.ROOM and target.localpart is not None


def form_field(argument: Argument, var: str, is_many: bool = False, was: str = "") -> Element:
    """Give the field for an argument; *was* is what it holds already."""
    label = argument.help or var.capitalize()
    if argument.choices:
        return forms.choice(var, [(each, each) for each in argument.choices], label=label)
    type = _FIELDS.get(argument.kind, "text-single")
    if is_many:
        type = "jid-multi"
    required = [Element("required", forms.NS)] if argument.is_required else []
    return forms.field(var, type, was.splitlines(), label=label, extra=required)


def filled_in(operation: Operation, target: JID, host: Host, values: Mapping[str, str]) -> dict[str, object]:
    """Give the arguments of an operation that *target* of a domain is asked for; `StanzaError` for what is wrong."""
    given: dict[str, object] = {}
    for argument in operation.arguments:
        if _is_the_domain(argument, host):
            given[argument.name] = host.name
            continue
        if _is_the_room(argument, target):
            given[argument.name] = target.bare
            continue
        text = values.get(argument.name, "")
        if text:
            given[argument.name] = _value(argument, host, text)
        elif argument.is_required:
            raise refused("bad-payload", f"{argument.name} is needed")
    return given


def texts(submission: Submission, operation: Operation, fields: Mapping[str, str]) -> dict[str, str]:
    """Give what was filled in, by argument; *fields* are names of fields that are others than their arguments'."""
    return {
        each.name: "\n".join(submission.all(fields.get(each.name, each.name))).strip("\n")
        for each in operation.arguments
    }


def shown(blocks: Iterable[Block], title: str) -> Stage:
    """Show a result: lines as notes, a table as items, all else as fields with texts."""
    parts = list(blocks)
    notes = tuple(Note(part.write(_time)) for part in parts if isinstance(part, Line))
    grids = [part for part in parts if isinstance(part, Grid)]
    facts = [part for part in parts if isinstance(part, Facts)]
    if len(grids) == 1 and not facts:
        return Stage(_table(grids[0], title), notes)
    fields = [
        forms.field(f"fact-{number}", "text-single", (written(cell, _time),), label=label)
        for part in facts
        for number, (label, cell) in enumerate(part.pairs)
    ]
    fields += [
        forms.field(f"table-{number}", "text-multi", _lines(grid)) for number, grid in enumerate(grids)
    ]
    return Stage(forms.form("result", "", fields, title=title) if fields else None, notes)


def _is_the_domain(argument: Argument, host: Host) -> bool:
    return argument.kind in DOMAINS or (argument.kind in OF_NODES and not host.has_accounts)


def _value(argument: Argument, host: Host, text: str) -> object:
    if argument.kind is Kind.FLAG:
        return text in ("1", "true")
    if argument.kind is Kind.NUMBER:
        try:
            return int(text)
        except ValueError:
            raise refused("bad-payload", f"{argument.name} is a whole number") from None
    if argument.kind is Kind.WORDS:
        return text.split("\n")
    return _here(host, text) if argument.kind.is_local else text


def _here(host: Host, text: str) -> str:
    """Give the address of what is at this domain; the name alone will do."""
    try:
        jid = JID.parse(text if "@" in text or text == host.name else f"{text}@{host.name}")
    except InvalidJID as error:
        raise refused("bad-payload", f"{text} is no address: {error}") from error
    if jid.domainpart != host.name:
        raise refused("bad-payload", f"{text} is not of {host.name}: ask there")
    return jid.full


def _time(stamp: str) -> str:
    return stamp


def _table(grid: Grid, title: str) -> Element:
    columns = {f"column-{number}": heading for number, heading in enumerate(grid.headings)}
    return forms.table(columns, [[written(cell, _time) for cell in row] for row in grid.rows], title=title)


def _lines(grid: Grid) -> list[str]:
    rows = [[written(cell, _time) for cell in row] for row in grid.rows]
    return [" | ".join(row) for row in (list(grid.headings), *rows)]

"""Control commands about components: programs that connect as a service (XEP-0114), who is there, and ending one."""

from datetime import UTC, datetime

from xmppd.admin.control.answers import ComponentDetails, ComponentRow, ComponentsClosed
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.admin.loaded import loaded
from xmppd.core.operations.running import does
from xmppd.core.waiting import deferred
from xmppd.modules.delegation.module import Delegation
from xmppd.modules.privilege.module import Privilege
from xmppd.services.components.components import Components
from xmppd.services.components.door import ComponentDoor
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.stanza.jid import JID, InvalidJID

CLOSED = StreamError("reset", "Closed by an administrator")


@does("component.list")
@deferred
async def component_list(parts: ControlParts) -> list[ComponentRow]:
    """Give all components that programs connect as; sorted by name. Waits where messages are to be counted."""
    return [await _row(door) for door in sorted(_components(parts), key=lambda door: door.host.name)]


@does("component.show")
@deferred
async def component_show(parts: ControlParts, name: str) -> ComponentDetails:
    """Give one of them, with what it may do at each host, and what is delegated to it there."""
    door = _door(parts, name)
    return {
        "component": await _row(door),
        "privileges": _privileges(parts, door.host.name),
        "delegated": _delegated(parts, door.host.name),
    }


@does("component.close")
def component_close(parts: ControlParts, name: str) -> ComponentsClosed:
    """End the connection of a component; gives all domains that it had. The program may connect again."""
    door = _door(parts, name)
    if door.stream is None:
        raise ControlError("not-connected", f"{name} is not connected; to see who is: xmppctl component list")
    names = list(door.stream.names)
    door.stream.fail(CLOSED)
    return {"closed": names}


def _components(parts: ControlParts) -> Components:
    return parts.components


def _door(parts: ControlParts, name: str) -> ComponentDoor:
    try:
        door = _components(parts).get(JID.parse(name).full)
    except InvalidJID:
        door = None
    if door is None:
        known = ", ".join(sorted(door.host.name for door in _components(parts))) or "there are none"
        raise ControlError("no-such-component", f"no program connects as {name}: {known}")
    return door


async def _row(door: ComponentDoor) -> ComponentRow:
    stream, settings = door.stream, door.host.settings
    try:
        await door.queue.count()
    except StanzaError as error:
        raise ControlError("storage-failed", "what waits cannot be counted; see the log") from error
    return {
        "name": door.host.name,
        "connected": stream is not None,
        "connection_of": settings.connection_of,
        "address": None if stream is None else stream.peer,
        "since": None if stream is None else _stamp(stream.opened_at),
        "stanzas_in": 0 if stream is None else stream.stanzas_in,
        "stanzas_out": 0 if stream is None else stream.stanzas_out,
        "unsent_bytes": 0 if stream is None else stream.unsent_bytes,
        "queue": settings.queue,
        "waiting": door.queue.messages or 0,
    }


def _privileges(parts: ControlParts, name: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for host in parts.hosts.of_accounts:
        module = loaded(host, Privilege)
        granted = None if module is None else module.opt.components.get(name)
        if granted is not None:
            given = {"roster": granted.roster, "message": granted.message, "presence": granted.presence}
            given |= {f"iq {namespace}": access for namespace, access in granted.iq.items()}
            found[host.name] = {what: access for what, access in given.items() if access != "none"}
    return found


def _delegated(parts: ControlParts, name: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for host in parts.hosts.of_accounts:
        module = loaded(host, Delegation)
        if module is not None:
            own = sorted(ns for ns, each in module.opt.namespaces.items() if each.to == name)
            if own:
                found[host.name] = own
    return found


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")

"""Records of ejabberd's tables, and what recurs in them: JIDs, times, XML."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from xmppd.moving.erlang import Atom
from xmppd.moving.names import jid_or_none, legal
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.jid import JID
from xmppd.stanza.markup import escape_attr, escape_text
from xmppd.stanza.stanza import Stanza

_MEGA, _MICRO = 1_000_000, 1_000_000


class Record(NamedTuple):
    """A record of a table, with its fields by name."""

    table: str
    fields: Mapping[str, Any]

    def get(self, name: str) -> Any:
        """Give a field; None for one that this version of ejabberd does not have."""
        return self.fields.get(name)


def text(value: Any) -> str:
    """Give a binary, an atom or a string as text; ValueError where it is none."""
    if isinstance(value, bytes):
        return legal(value.decode())
    if isinstance(value, str):
        return legal(str(value))
    raise ValueError(f"{str(value)[:40]} is no text")


def jid_of(value: Any) -> JID:
    """Give a JID that is a tuple (user, server, resource), a record of ejabberd's own, or text; ValueError."""
    if isinstance(value, tuple) and value and isinstance(value[0], Atom):
        value = value[1:4]  # {jid, User, Server, Resource, …}
    if isinstance(value, tuple):
        local, domain, resource = (*map(text, value), "", "")[:3]
        written = f"{local}@{domain}" if local else domain
        written += f"/{resource}" if resource else ""
    else:
        written = text(value)
    jid = jid_or_none(written)
    if jid is None:
        raise ValueError(f"{written!r} is no JID")
    return jid


def time_of(value: Any) -> float:
    """Give a time that is ``erlang:now()``, or whole seconds; ValueError."""
    if isinstance(value, int):
        return float(value) if value < _MEGA * _MICRO else value / _MICRO
    if isinstance(value, tuple) and len(value) == 3 and all(isinstance(each, int) for each in value):
        mega, seconds, micro = map(int, value)
        return float(mega * _MEGA + seconds) + micro / _MICRO
    raise ValueError(f"{str(value)[:40]} is no time")


def element_of(value: Any) -> Element:
    """Give the element that ``{xmlel, Name, Attributes, Children}`` is; ValueError. Prefixes mean what they say."""
    out: list[str] = []
    todo: list[Any] = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, str) and not isinstance(each, Atom):
            out.append(each)
        elif isinstance(each, tuple) and each[:1] == ("xmlcdata",):
            out.append(escape_text(text(each[1])))
        elif isinstance(each, tuple) and each[:1] == ("xmlel",) and len(each) == 4:
            name = text(each[1])
            attrs = "".join(f" {text(key)}='{escape_attr(text(val))}'" for key, val in each[2])
            out.append(f"<{name}{attrs}>")
            todo.append(f"</{name}>")
            todo.extend(reversed(each[3]))
        else:
            raise ValueError(f"{str(each)[:40]} is no XML")
    return parse_element("".join(out).encode())


def stanza_of(value: Any) -> Stanza:
    """Give the stanza that an ``xmlel`` is; ValueError."""
    return Stanza.from_element(element_of(value))

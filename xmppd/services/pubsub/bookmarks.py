"""Bookmarks of the old kind (XEP-0048) and of the new (XEP-0402): one made of the other (XEP-0402 3, 6)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from xmppd.services.pubsub.items import NewItem, payload_of
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.jid import JID, InvalidJID
from xmppd.storage.interface import Entry, NewEntry

NODE: Final = "urn:xmpp:bookmarks:1"
NS_OLD: Final = "storage:bookmarks"
"""The namespace of the old kind, and the name of its node (XEP-0048 3)."""
TEXTS: Final = ("nick", "password")
"""What both kinds say by elements."""


class Difference(NamedTuple):
    """What a list of the old kind makes of the items of the new: those that it changes, and those that it lacks."""

    items: list[NewItem]
    gone: list[str]


def storage_of(rooms: Iterable[Entry | NewEntry], others: Iterable[Element]) -> Element:
    """Give the list of the old kind."""
    return Element("storage", NS_OLD, children=[*(old_of(each) for each in rooms), *others])


def storage_in(payload: bytes) -> Element | None:
    """Read a list of the old kind; None for anything else."""
    if not payload:
        return None
    element = parse_element(payload)
    return element if (element.name, element.ns) == ("storage", NS_OLD) else None


def with_rooms(payload: bytes, named: Callable[[str], str]) -> bytes:
    """Give a list of the old kind with other names of rooms; what is none stays as it is."""
    try:
        storage = storage_in(payload)
    except ValueError:
        return payload
    if storage is None:
        return payload
    for old in storage.elements():
        room = _room(old)
        if room is not None:
            old.attrs["jid"] = named(room)
    return payload_of(storage)


def difference(storage: Element, known: Mapping[str, Entry]) -> Difference:
    """Say what *storage* changes where *known* is there."""
    wanted = rooms_of(storage, known)
    items = [item for item in wanted if item.id not in known or known[item.id].stanza != item.payload]
    return Difference(items, sorted(known.keys() - {item.id for item in wanted}))


def old_of(entry: Entry | NewEntry) -> Element:
    """XEP-0048 3.1 of XEP-0402 3.1."""
    new = parse_element(entry.stanza)
    attrs = {"jid": entry.id, **_shared(new)}
    children = [
        Element(each.name, NS_OLD, children=[each.text])
        for each in new.elements()
        if each.ns == NODE and each.name in TEXTS
    ]
    return Element("conference", NS_OLD, attrs, children)


def rooms_of(storage: Element, known: Mapping[str, Entry]) -> list[NewItem]:
    """XEP-0402 3.1 of XEP-0048 3.1; extensions that a new client has put there stay (5.1). One for each room."""
    items: dict[str, NewItem] = {}
    for old in storage.elements():
        jid = _room(old)
        if jid is None:
            continue
        children: list[Element | str] = [
            Element(each.name, NODE, children=[each.text])
            for each in old.elements()
            if each.ns == NS_OLD and each.name in TEXTS
        ]
        before = parse_element(known[jid].stanza) if jid in known else None
        extensions = None if before is None else before.child("extensions")
        if extensions is not None:
            children.append(extensions)
        new = Element("conference", NODE, _shared(old), children)
        items[jid] = _same_or(NewItem(jid, payload_of(new), NODE), before, new, known)
    return list(items.values())


def others_in(storage: Element) -> Iterable[Element]:
    """What is in the storage beside rooms that have an address."""
    return (each for each in storage.elements() if _room(each) is None)


def _room(old: Element) -> str | None:
    """Give the bare JID of the room that a bookmark is for."""
    if (old.name, old.ns) != ("conference", NS_OLD):
        return None
    try:
        return JID.parse(old.get("jid") or "").bare
    except InvalidJID:
        return None


def _shared(conference: Element) -> dict[str, str]:
    """What both kinds say by attributes."""
    return {name: value for name, value in conference.attrs.items() if name in ("name", "autojoin")}


def _same_or(item: NewItem, before: Element | None, new: Element, known: Mapping[str, Entry]) -> NewItem:
    """Give what is stored already, where it means the same."""
    return item._replace(payload=known[item.id].stanza) if before == new else item

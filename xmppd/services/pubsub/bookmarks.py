"""Bookmarks of the old kind (XEP-0048) and of the new (XEP-0402): one made of the other (XEP-0402 3, 6)."""

from collections.abc import Iterable, Mapping
from typing import Final

from xmppd.services.pubsub.items import NewItem, payload_of
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.jid import JID, InvalidJID
from xmppd.storage.interface import Entry

NODE: Final = "urn:xmpp:bookmarks:1"
NS_OLD: Final = "storage:bookmarks"
TEXTS: Final = ("nick", "password")
"""What both kinds say by elements."""


def old_of(entry: Entry) -> Element:
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
        if (old.name, old.ns) != ("conference", NS_OLD):
            continue
        try:
            jid = JID.parse(old.get("jid") or "").bare
        except InvalidJID:
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


def _shared(conference: Element) -> dict[str, str]:
    """What both kinds say by attributes."""
    return {name: value for name, value in conference.attrs.items() if name in ("name", "autojoin")}


def _same_or(item: NewItem, before: Element | None, new: Element, known: Mapping[str, Entry]) -> NewItem:
    """Give what is stored already, where it means the same."""
    return item._replace(payload=known[item.id].stanza) if before == new else item


def others_in(storage: Element) -> Iterable[Element]:
    """What is in the storage beside rooms."""
    return (each for each in storage.elements() if (each.name, each.ns) != ("conference", NS_OLD))

"""What both ways of Prosody to store have in common: tables by host, user and store, and archives of stanzas."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from xmppd.moving.lua import Table, array
from xmppd.moving.names import legal
from xmppd.stanza import ns
from xmppd.stanza.element import Element

ACCOUNTS = "accounts"


class Kept(NamedTuple):
    """An entry of an archive (``util.storagemanager``'s archive stores)."""

    key: str
    at: float
    with_jid: str
    element: Element


class ProsodyData(Protocol):
    """Data of Prosody, wherever they are. A ValueError says what cannot be read."""

    def hosts(self) -> list[str]:
        """Give the hosts and components that have any data, sorted."""

    def users(self, host: str, store: str) -> list[str]:
        """Give who has a table or an archive in *store*, sorted."""

    def stores(self, host: str) -> list[str]:
        """Give the stores that have anything of users, sorted."""

    def table(self, host: str, user: str, store: str) -> Table:
        """Give the table of a user, of the host itself for ""; empty where there is none. ValueError."""

    def archive(self, host: str, user: str, store: str) -> Iterator[Kept | ValueError]:
        """Give the entries of an archive, oldest first, each read when it is asked for."""


def element_of(table: Mapping[Any, Any], parent_ns: str = ns.CLIENT) -> Element:
    """Give the element that a stored stanza is (``util.stanza.preserialize``); ValueError."""
    top = _shell(table, parent_ns)
    todo = [(table, top)]
    while todo:
        source, element = todo.pop()
        for child in array(source):
            if isinstance(child, str):
                element.children.append(legal(child))
            elif isinstance(child, dict):
                inner = _shell(child, element.ns)
                element.children.append(inner)
                todo.append((child, inner))
    return top


def _shell(table: Mapping[Any, Any], parent_ns: str) -> Element:
    """The element without its content; attributes in namespaces stand under ``NAMESPACE\\1NAME``."""
    name, attrs = table.get("name"), table.get("attr") or {}
    if not isinstance(name, str) or not isinstance(attrs, dict):
        raise ValueError("this is no stored stanza")
    namespace = attrs.get("xmlns")
    kept: dict[str, str] = {}
    for key, value in attrs.items():
        if key in ("xmlns", "stamp_legacy") or not isinstance(value, str):
            continue
        uri, mark, local = str(key).partition("\1")
        kept[f"{{{uri}}}{local}" if mark else str(key)] = legal(value)
    return Element(name, namespace if isinstance(namespace, str) else parent_ns, kept)

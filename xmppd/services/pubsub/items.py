"""Items and events as they are written (XEP-0060 6.5, 7.1, 8): bytes, since an event goes to many.

A payload is stored as it is shown: one element that declares its own namespace, so that it fits into any other.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from xmppd.services.pubsub.node import Node
from xmppd.services.pubsub.options import ItemReply
from xmppd.stanza.element import Element, escape_attr
from xmppd.stanza.stamps import stamp_of
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Entry, NewEntry

NS: Final = "http://jabber.org/protocol/pubsub"
NS_EVENT: Final = "http://jabber.org/protocol/pubsub#event"
NS_OWNER: Final = "http://jabber.org/protocol/pubsub#owner"
NS_DELAY: Final = "urn:xmpp:delay"
NS_ADDRESS: Final = "http://jabber.org/protocol/address"
_NOWHERE: Final = "\0"
"""The namespace of no parent, since none can have this name: a payload is written with its own declaration, and fits
anywhere."""


class NewItem(NamedTuple):
    """An item to be published: its id ("" for one that the service makes), its payload as it is stored, if any."""

    id: str
    payload: bytes
    ns: str = ""
    """The namespace of the payload."""


def payload_of(element: Element | None) -> bytes:
    """Write a payload so that it can stand in any element."""
    return b"" if element is None else element.to_bytes(_NOWHERE)


def item_xml(id: str, payload: bytes, publisher: str = "") -> bytes:
    """Write an item, to stand in any of the namespaces here."""
    attrs = f" id='{escape_attr(id)}'" if id else ""
    if publisher:
        attrs += f" publisher='{escape_attr(publisher)}'"
    return b"<item%b>%b</item>" % (attrs.encode(), payload) if payload else b"<item%b/>" % attrs.encode()


def shown(node: Node, entry: Entry | NewEntry, with_payload: bool = True) -> bytes:
    """Write an item of *node* as it is shown: who has published it where the node is configured so (7.1.2.3, 12.16)."""
    options = node.options
    is_named = options.expose_publisher or options.itemreply == ItemReply.PUBLISHER
    publisher = entry.with_jid if is_named else ""
    return item_xml(entry.id, entry.stanza if with_payload else b"", publisher)


def publisher_of(entry: Entry) -> str:
    """Give the full JID that has published an item."""
    return f"{entry.with_jid}/{entry.with_resource}" if entry.with_resource else entry.with_jid


def event(content: bytes) -> bytes:
    """Write an event around *content*."""
    return b"<event xmlns='%b'>%b</event>" % (NS_EVENT.encode(), content)


def items_event(node: str, items: Iterable[bytes]) -> bytes:
    """Write the event of items that are published (7.1.2) or retracted (7.2.2), as they are written already."""
    inner = b"".join(items)
    head = f"<items node='{escape_attr(node)}'".encode()
    return event(head + b">" + inner + b"</items>" if inner else head + b"/>")


def retracted(ids: Iterable[str]) -> Iterable[bytes]:
    """Write what stands for each item that is retracted (7.2.2.1)."""
    return (f"<retract id='{escape_attr(id)}'/>".encode() for id in ids)


def node_event(name: str, node: str, content: bytes = b"") -> bytes:
    """Write the event that something has happened to a *node*: purge, delete, configuration (8.2, 8.4, 8.5)."""
    head = f"<{name} node='{escape_attr(node)}'".encode()
    return event(head + b">" + content + b"</%b>" % name.encode() if content else head + b"/>")


def notification(sender: str, type: str, *content: bytes) -> Stanza:
    """Make the message that tells of an event; ``to`` is added for each who is told."""
    return Stanza.make("message", *content, from_=sender, type=None if type == "normal" else type)


def reply_to(jid: str) -> bytes:
    """Write whom a reader should turn to (XEP-0163 4.3.1, XEP-0060 12.16)."""
    address = f"<address type='replyto' jid='{escape_attr(jid)}'/>"
    return f"<addresses xmlns='{NS_ADDRESS}'>{address}</addresses>".encode()


def delayed(sent_at: float) -> bytes:
    """Write when something was published that is sent only now (XEP-0203)."""
    return f"<delay xmlns='{NS_DELAY}' stamp='{stamp_of(sent_at)}'/>".encode()

"""Pages of an archive as they are sent: XEP-0313 4.2, 4.3, for archives of accounts and of rooms."""

from typing import Final

from xmppd.core.session import Session
from xmppd.services.archive.pages import Bounds, Page
from xmppd.services.archive.query import NS, Query
from xmppd.stanza.delay import delay_xml
from xmppd.stanza.element import Element, escape_attr
from xmppd.stanza.forward import forwarded_xml
from xmppd.stanza.layout import ChildName
from xmppd.stanza.result_sets import page_element
from xmppd.stanza.stamps import stamp_of
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Entry, Storage

RESULT: Final[ChildName] = (NS, "result")


def bounds_for(session: Session, bounds: Bounds) -> Bounds:
    """A page is no larger than what its client may leave unacknowledged (XEP-0198)."""
    if session.ledger is None or not bounds.messages:
        return bounds
    stanzas, size_bytes = session.ledger.window()
    return Bounds(min(bounds.messages, max(1, stanzas)), min(bounds.size_bytes, size_bytes))


def result_of(archive: str, to: str, query: Query, entry: Entry, stanza: Stanza) -> Stanza:
    """4.2: the message as it was, with its id and its time, inside of one from the archive (a bare JID)."""
    asked = "" if query.query_id is None else f" queryid='{escape_attr(query.query_id)}'"
    head = f"<result xmlns='{NS}'{asked} id='{escape_attr(entry.id)}'>".encode()
    inner = head + forwarded_xml(stanza, delay_xml(entry.sent_at)) + b"</result>"
    return Stanza("message", to, archive, None, None, None, "", inner, (RESULT,))


def fin_of(page: Page) -> Element:
    """4.3: what was sent, and whether it was all."""
    entries = page.entries
    page_set = page_element(entries[0].id, entries[-1].id) if entries else page_element(count=page.total)
    return Element("fin", NS, {"complete": "true"} if page.is_complete else None, [page_set])


async def metadata_of(storage: Storage, store: str, owner: str) -> Element:
    """5: the first and the last message. Waits; `StorageError`."""
    metadata = Element("metadata", NS)
    for name, is_last in (("start", False), ("end", True)):
        for entry in await storage.read(store, owner, limit=1, reverse=is_last, is_fresh=True):
            attrs = {"id": entry.id, "timestamp": stamp_of(entry.sent_at)}
            metadata.children.append(Element(name, NS, attrs))
    return metadata

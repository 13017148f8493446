"""From a query to a page of an archive (XEP-0313 4.3)."""

from collections.abc import Sequence
from typing import NamedTuple

from xmppd.services.archive.ids import STORE
from xmppd.services.archive.query import Query
from xmppd.services.archive.search import ArchiveSearch, words_of
from xmppd.stanza.errors import StanzaError
from xmppd.storage.interface import Entry, Selection, Storage, UnknownEntry

CHUNK = 50
"""Entries read at once; between two reads others have their turn."""
MAX_LOOKED_AT = 10_000
"""Messages with the words of a search that are compared with the rest of the query."""
PAGE_BYTES = 4 * 1024 * 1024
"""No page has more, but for its first entry."""


class Bounds(NamedTuple):
    """What a page has at most; of its messages one is there however big it is."""

    messages: int
    size_bytes: int = PAGE_BYTES


class Page(NamedTuple):
    """What a query found, in order of time."""

    entries: list[Entry]
    is_complete: bool
    total: int | None = None
    """How many there are in all, where that alone was asked for."""


class _Range(NamedTuple):
    after: int
    before: int | None


async def find(storage: Storage, searches: ArchiveSearch, owner: str, query: Query, bounds: Bounds) -> Page:
    """Find the page that *query* asks for. Raises item-not-found for an unknown id; `StorageError`."""
    try:
        if query.ids is not None:
            return _cut(_page_of(await _named(storage, owner, query), query, bounds.messages), query, bounds)
        between = await _range(storage, owner, query.after_ids, query.before_ids)
        if query.text:
            return _cut(await _search(searches, owner, query, between, bounds.messages), query, bounds)
        if not bounds.messages:
            return Page([], False, await _count(storage, owner, query))
        return await _read(storage, owner, query, between, bounds)
    except UnknownEntry as error:
        raise StanzaError("item-not-found", "The archive has no message with this id") from error


async def _range(storage: Storage, owner: str, after_ids: list[str], before_ids: list[str]) -> _Range:
    """The places that the ids name; of several the innermost."""
    after, before = 0, None
    if after_ids:
        after = (await _all_of(storage, owner, after_ids))[-1].seq
    if before_ids:
        before = (await _all_of(storage, owner, before_ids))[0].seq
    return _Range(after, before)


async def _all_of(storage: Storage, owner: str, ids: Sequence[str]) -> list[Entry]:
    """The entries with these ids; raises `UnknownEntry` if one is missing (XEP-0313 4.1.3)."""
    entries = await storage.read_ids(STORE, owner, ids, is_fresh=True)
    found = {entry.id for entry in entries}
    for entry_id in ids:
        if entry_id not in found:
            raise UnknownEntry(entry_id)
    return entries


async def _read(storage: Storage, owner: str, query: Query, between: _Range, bounds: Bounds) -> Page:
    """Read from the start, or from the end where what stands before something is asked for."""
    is_backward, max_entries = query.page.before is not None, bounds.messages
    after, before = between
    found: list[Entry] = []
    size_bytes = 0
    while True:
        entries = await storage.read(
            STORE,
            owner,
            _selection(query)._replace(after=after, before=before),
            limit=min(CHUNK, max_entries + 1 - len(found)),
            reverse=is_backward,
            is_fresh=not after and before is None,  # what an id was looked up in is as fresh
        )
        for entry in entries:
            size_bytes += len(entry.stanza)
            if len(found) == max_entries or (found and size_bytes > bounds.size_bytes):
                return _ordered(found, is_backward, False)
            found.append(entry)
        if len(entries) < min(CHUNK, max_entries + 1 - len(found) + len(entries)):
            return _ordered(found, is_backward, True)
        after, before = (after, entries[-1].seq) if is_backward else (entries[-1].seq, before)


def _selection(query: Query) -> Selection:
    """What the form asks for, ids aside."""
    return Selection(
        with_jid=query.with_jid, with_resource=query.with_resource, start=query.start, end=query.end
    )


def _ordered(found: list[Entry], is_backward: bool, is_complete: bool) -> Page:
    return Page(found[::-1] if is_backward else found, is_complete)


def _cut(page: Page, query: Query, bounds: Bounds) -> Page:
    """Leave out what is too much, from the end that was not asked for."""
    is_backward, size_bytes = query.page.before is not None, 0
    entries = page.entries[::-1] if is_backward else page.entries
    for index, entry in enumerate(entries):
        size_bytes += len(entry.stanza)
        if index and size_bytes > bounds.size_bytes:
            return _ordered(entries[:index], is_backward, False)
    return page


async def _count(storage: Storage, owner: str, query: Query) -> int:
    """How many messages the form selects; the page does not matter (XEP-0059 2.7)."""
    within = await _range(
        storage,
        owner,
        [query.after_id] if query.after_id else [],
        [query.before_id] if query.before_id else [],
    )

    async def behind(seq: int) -> int:
        return await storage.count(STORE, owner, _selection(query)._replace(after=seq), is_fresh=not seq)

    total = await behind(within.after)
    if within.before is not None:
        total -= await behind(max(within.after, within.before - 1))
    return total


async def _named(storage: Storage, owner: str, query: Query) -> list[Entry]:
    """The entries with the ids of the form, as far as its other fields let them pass."""
    if not query.ids:
        return []
    between = await _range(
        storage,
        owner,
        [query.after_id] if query.after_id else [],
        [query.before_id] if query.before_id else [],
    )
    entries = await _all_of(storage, owner, query.ids)
    return [
        entry
        for entry in entries
        if entry.seq > between.after
        and (between.before is None or entry.seq < between.before)
        and _passes(query, entry)
    ]


def _passes(query: Query, entry: Entry) -> bool:
    """Whether the other side and the time are those asked for."""
    return (
        (query.with_jid is None or entry.with_jid == query.with_jid)
        and (query.with_resource is None or entry.with_resource == query.with_resource)
        and (query.start is None or entry.sent_at >= query.start)
        and (query.end is None or entry.sent_at <= query.end)
    )


async def _search(
    searches: ArchiveSearch, owner: str, query: Query, between: _Range, max_entries: int
) -> Page:
    """The page of messages with all the words of the query (XEP-0431)."""
    await searches.bring_up(owner)
    words, is_backward = words_of(query.text), query.page.before is not None
    after, before = between
    found: list[Entry] = []
    for _ in range(MAX_LOOKED_AT // CHUNK):
        entries = await searches.find(owner, words, after, before, CHUNK, is_backward)
        if not entries:
            return _ordered(found, is_backward, True)
        for entry in entries:
            if _passes(query, entry):
                if len(found) == max_entries:
                    return _ordered(found, is_backward, False)
                found.append(entry)
        after, before = (after, entries[-1].seq) if is_backward else (entries[-1].seq, before)
    raise StanzaError("resource-constraint", "Too many messages have these words: ask for more of them")


def _page_of(entries: list[Entry], query: Query, max_entries: int) -> Page:
    """The page of a list that is all there."""
    if not max_entries:
        return Page([], False, len(entries))
    places = {entry.id: index for index, entry in enumerate(entries)}
    first, last = 0, len(entries)
    if query.page.after:
        first = _place(places, query.page.after) + 1
    if query.page.before:
        last = _place(places, query.page.before)
    selected = entries[first:last]
    is_complete = len(selected) <= max_entries
    return Page(
        selected[-max_entries:] if query.page.before is not None else selected[:max_entries], is_complete
    )


def _place(places: dict[str, int], entry_id: str) -> int:
    if entry_id not in places:
        raise UnknownEntry(entry_id)
    return places[entry_id]

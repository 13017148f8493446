"""The data of `MemoryStorage`, and each change as a function that tells how to undo it.

Nothing here waits.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import TypeVar

from xmppd.storage.bounds import check_time
from xmppd.storage.interface import (
    PART,
    Append,
    Change,
    Delete,
    DeleteAll,
    DeleteEntries,
    DeleteOwner,
    Entry,
    InvalidChange,
    KeyRange,
    NewEntry,
    Note,
    Put,
    Replace,
    Selection,
    UnknownEntry,
)

T = TypeVar("T")
Undo = Callable[[], object]

_seq_of = attrgetter("seq")


class _Box:
    """The entries of one owner in one store, in order of seq."""

    __slots__ = ("by_id", "entries")

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self.entries = list(entries)
        self.by_id = {entry.id: entry for entry in reversed(self.entries) if entry.id}


class Tables:
    """Values and entries in dictionaries by (store, owner)."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, str], dict[str, bytes]] = {}
        self._boxes: dict[tuple[str, str], _Box] = {}
        self._last_seq = 0
        self._changes: dict[type, Callable[..., list[Undo]]] = {
            Put: self._put,
            Delete: self._delete,
            DeleteAll: self._delete_all,
            DeleteOwner: self._delete_owner,
            Append: self._append,
            Replace: self._replace,
            Note: self._note,
            DeleteEntries: self._delete_entries,
        }

    def make(self, changes: Sequence[Change]) -> None:
        """Make all *changes*; raises `InvalidChange`, and then none of them happened."""
        undo: list[Undo] = []
        try:
            for change in changes:
                undo += self._changes[type(change)](*change)
        except (InvalidChange, UnicodeEncodeError) as error:
            for step in reversed(undo):
                step()
            raise InvalidChange(f"it cannot be stored: {error}") from error

    def values(self, store: str, owner: str) -> Mapping[str, bytes]:
        """The values by key, as they are now."""
        return self._values.get((store, owner), {})

    def range(self, store: str, owner: str, keys: KeyRange, reverse: bool) -> Iterator[tuple[str, bytes]]:
        """Keys and values of *keys*, sorted by key."""
        values = self.values(store, owner)
        found = [
            key
            for key in values
            if key >= keys.start
            and (keys.after is None or key > keys.after)
            and (keys.before is None or key < keys.before)
        ]
        return ((key, values[key]) for key in sorted(found, reverse=reverse))

    def owners(self, store: str) -> set[str]:
        """Who has anything in *store*, be it an owner or a part of one."""
        full = [place for place, box in self._boxes.items() if box.entries]
        return {owner for kind, owner in (*self._values, *full) if kind == store}

    def copy(self) -> "Tables":
        """The same data once more; what is changed in one is not in the other."""
        copy = Tables()
        copy._values = {place: dict(values) for place, values in self._values.items()}
        copy._boxes = {place: _Box(box.entries) for place, box in self._boxes.items()}
        copy._last_seq = self._last_seq
        return copy

    def entries(self, store: str, owner: str, ids: Iterable[str]) -> list[Entry]:
        """Those of the entries with these ids that are there, in order of seq."""
        box = self._boxes.get((store, owner), _Box())
        return sorted({box.by_id[entry_id] for entry_id in ids if entry_id in box.by_id})

    def entry(self, store: str, owner: str, entry_id: str) -> Entry:
        """The entry with this id; raises `UnknownEntry`."""
        found = self.entries(store, owner, (entry_id,))
        if not found:
            raise UnknownEntry(entry_id)
        return found[0]

    def select(self, store: str, owner: str, selection: Selection, reverse: bool) -> Iterator[Entry]:
        """The entries of *selection* one by one. Raises `UnknownEntry` at once."""
        after, before = selection.after, selection.before
        if selection.after_id is not None:
            after = max(after, self.entry(store, owner, selection.after_id).seq)
        if selection.before_id is not None:
            found = self.entry(store, owner, selection.before_id).seq
            before = found if before is None else min(before, found)
        box = self._boxes.get((store, owner), _Box())
        first = bisect_right(box.entries, after, key=_seq_of)
        last = len(box.entries) if before is None else bisect_left(box.entries, before, key=_seq_of)
        part = box.entries[first:last]
        return (entry for entry in (reversed(part) if reverse else part) if _matches(entry, selection))

    def _put(self, store: str, owner: str, key: str, value: bytes) -> list[Undo]:
        _check_texts(store, owner, key)
        undo = self._delete(store, owner, key)
        self._values.setdefault((store, owner), {})[key] = value
        return [*undo, lambda: self._delete(store, owner, key)]

    def _delete(self, store: str, owner: str, key: str) -> list[Undo]:
        values = self._values.get((store, owner), {})
        if key not in values:
            return []
        old = values.pop(key)
        if not values:
            del self._values[store, owner]
        return [lambda: self._put(store, owner, key, old)]

    def _delete_all(self, store: str, owner: str) -> list[Undo]:
        place = (store, owner)
        undo: list[Undo] = []
        if place in self._values:
            undo.append(_setter(self._values, place, self._values.pop(place)))
        if place in self._boxes:
            undo.append(_setter(self._boxes, place, self._boxes.pop(place)))
        return undo

    def _delete_owner(self, owner: str) -> list[Undo]:
        parts = owner + PART
        places = {
            place
            for place in (*self._values, *self._boxes)
            if place[1] == owner or place[1].startswith(parts)
        }
        return [step for place in places for step in self._delete_all(*place)]

    def _append(self, store: str, owner: str, new: NewEntry) -> list[Undo]:
        _check_texts(store, owner, new.id, new.with_jid, new.with_resource)
        check_time(new.sent_at)
        box = self._boxes.setdefault((store, owner), _Box())
        self._last_seq += 1
        entry = Entry(
            self._last_seq, new.id, new.sent_at, new.with_jid, new.stanza, new.extra, new.with_resource
        )
        box.entries.append(entry)
        undo: list[Undo] = [box.entries.pop]
        if entry.id and entry.id not in box.by_id:
            box.by_id[entry.id] = entry
            undo.append(lambda: box.by_id.pop(entry.id))
        return undo

    def _replace(self, store: str, owner: str, entry_id: str, stanza: bytes, extra: bytes) -> list[Undo]:
        place = (store, owner)
        old = self._boxes.get(place)
        if old is None or entry_id not in old.by_id:
            return []
        changed = [
            entry._replace(stanza=stanza, extra=extra) if entry.id == entry_id else entry
            for entry in old.entries
        ]
        self._boxes[place] = _Box(changed)
        return [_setter(self._boxes, place, old)]

    def _note(self, store: str, owner: str, notes: Sequence[tuple[int | str, bytes]]) -> list[Undo]:
        place = (store, owner)
        old = self._boxes.get(place)
        if old is None:
            return []
        extras = {name: extra for name, extra in notes if name != ""}
        changed = [
            entry._replace(extra=extras.get(entry.seq, extras.get(entry.id, entry.extra)))
            for entry in old.entries
        ]
        self._boxes[place] = _Box(changed)
        return [_setter(self._boxes, place, old)]

    def _delete_entries(
        self,
        store: str,
        owner: str,
        up_to: int | None,
        seqs: Sequence[int],
        ids: Sequence[str],
        older_than: float | None,
        keep: int | None,
        limit: int | None,
    ) -> list[Undo]:
        place = (store, owner)
        old = self._boxes.get(place)
        if old is None:
            return []
        rest = old.entries
        if up_to is not None:
            rest = _without(rest, [entry for entry in rest if entry.seq <= up_to][:limit])
        named, named_ids = set(seqs), set(ids) - {""}
        rest = [entry for entry in rest if entry.seq not in named and entry.id not in named_ids]
        if older_than is not None:
            older = [entry for entry in rest if entry.sent_at < older_than]
            rest = _without(rest, sorted(older, key=attrgetter("sent_at"))[:limit])
        if keep is not None:
            rest = _without(rest, rest[: max(0, len(rest) - keep)][:limit])
        self._boxes[place] = _Box(rest)
        return [_setter(self._boxes, place, old)]


def _matches(entry: Entry, selection: Selection) -> bool:
    """Whether all conditions but those on seq hold."""
    return (
        (selection.with_jid is None or entry.with_jid == selection.with_jid)
        and (
            selection.with_jid is None
            or selection.with_resource is None
            or entry.with_resource == selection.with_resource
        )
        and (selection.start is None or entry.sent_at >= selection.start)
        and (selection.end is None or entry.sent_at <= selection.end)
    )


def _check_texts(*texts: str) -> None:
    """Raises UnicodeEncodeError for lone surrogates, which a disk cannot hold either."""
    for text in texts:
        text.encode()


def _without(entries: list[Entry], gone: list[Entry]) -> list[Entry]:
    seqs = {entry.seq for entry in gone}
    return [entry for entry in entries if entry.seq not in seqs]


def _setter(where: dict[tuple[str, str], T], place: tuple[str, str], what: T) -> Undo:
    return lambda: where.__setitem__(place, what)

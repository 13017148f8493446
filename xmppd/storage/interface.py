"""What every store can do: values by key, and archives of entries in order; all writes are changes, as data.

A change is a small tuple (a frozen dataclass takes twice as long to make, and several are made for each
message). Whatever is handed to one `Storage.commit` happens in one transaction or not at all.

Words: a *store* is a plain name (``"roster"``, ``"archive"``), an *owner* is a bare JID or a host, *seq* is
the number that the storage gives to an entry; it only ever grows within one (store, owner), so that it is the order
of that archive. It says nothing about entries of different archives.

An owner may have *parts*, as a service has nodes: what belongs to one is stored under ``OWNER "\\n" PART`` (`part_of`).
A part is an owner of its own for everything but two things: it goes when its owner is deleted (`DeleteOwner`), and
`Storage.owners` does not name it. No text in here holds a NUL: not every back end can keep one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

from twisted.internet.defer import Deferred

from xmppd.storage.writes import Writes

MAX_PAGE = 1_000
"""The most entries, values or owners that one read of a page gives."""

PART = "\n"
"""Stands between the name of an owner and that of its part."""


class StorageError(Exception):
    """A read or a commit did not happen; nothing of it was kept."""


class StorageFailed(StorageError):
    """The back end failed, or is stopped (at the wire: resource-constraint, wait)."""


class StorageFull(StorageFailed):
    """No room.

    The disk or quota is full, or far too many changes wait (at the wire: resource-constraint, wait).
    """


class StorageTooNew(StorageError):
    """The data were written by a newer program; the text is one line for the administrator."""


class InvalidChange(StorageError, ValueError):
    """The change itself cannot be stored.

    A text that is no Unicode or holds a NUL, a time that is none, a size beyond bounds.
    """


class UnknownEntry(StorageError, LookupError):
    """There is no entry with this id in this archive. The id is `entry_id`."""

    def __init__(self, entry_id: str) -> None:
        super().__init__(f"no entry has the id {entry_id!r}")
        self.entry_id = entry_id


class NewEntry(NamedTuple):
    """An entry to append.

    `id` is chosen by the caller, and known before the commit; the caller sees to it that it is unique within
    (store, owner). Of entries with the same id the first is found; one with ``""`` is found by its place
    alone, which makes queues cheaper. `sent_at` is in seconds since 1970, UTC. `with_jid` is the bare JID of
    the other side ("" = none) and `with_resource` the rest of it. `extra` is small, for the owner.
    """

    id: str
    sent_at: float
    with_jid: str
    stanza: bytes
    extra: bytes = b""
    with_resource: str = ""


class Entry(NamedTuple):
    """An entry as it is stored: `NewEntry` with its `seq`."""

    seq: int
    id: str
    sent_at: float
    with_jid: str
    stanza: bytes
    extra: bytes
    with_resource: str


class Put(NamedTuple):
    """Store *value* under *key*, in place of what was there."""

    store: str
    owner: str
    key: str
    value: bytes


class Delete(NamedTuple):
    """Forget *key*; nothing happens if it is not there."""

    store: str
    owner: str
    key: str = ""


class DeleteAll(NamedTuple):
    """Forget all keys and entries of *owner* in *store*, not those of its parts.

    Quick, however many entries there are.
    """

    store: str
    owner: str


class DeleteOwner(NamedTuple):
    """Forget all keys and entries of *owner* and of its parts in every store.

    Quick, however many entries there are.
    """

    owner: str


class Append(NamedTuple):
    """Add *entry* at the end."""

    store: str
    owner: str
    entry: NewEntry


class Replace(NamedTuple):
    """Put another stanza into the entries with *id*, which keep their place.

    Nothing happens if it is not there.
    """

    store: str
    owner: str
    id: str
    stanza: bytes
    extra: bytes = b""


class Note(NamedTuple):
    """Put another `extra` into entries, each named by its seq or its id, which keep everything else.

    Nothing happens for those that are not there.
    """

    store: str
    owner: str
    notes: Sequence[tuple[int | str, bytes]]


class DeleteEntries(NamedTuple):
    """Forget the entries that ANY of the selectors names.

    `up_to`: this seq and all below; `seqs`, `ids`: these; `older_than`: sent before this time; `keep`: all
    but the newest so many. `limit` bounds how many each of `up_to`, `older_than` and `keep` takes, oldest
    first, so that retention can go in batches.
    """

    store: str
    owner: str
    up_to: int | None = None
    seqs: Sequence[int] = ()
    ids: Sequence[str] = ()
    older_than: float | None = None
    keep: int | None = None
    limit: int | None = None


Change = Put | Delete | DeleteAll | DeleteOwner | Append | Replace | Note | DeleteEntries


Decided = Callable[[StorageError | None], None]
"""Called on the reactor's thread once a commit is decided: None, or why nothing of it was kept. Must not raise."""


class Selection(NamedTuple):
    """Which entries of an archive are meant: those for which all conditions hold.

    *after*, *before* (seqs) and their ids exclude the entry itself; *start* and *end* (`sent_at`) include it;
    *with_resource* counts beside *with_jid* only.
    """

    after: int = 0
    before: int | None = None
    after_id: str | None = None
    before_id: str | None = None
    with_jid: str | None = None
    with_resource: str | None = None
    start: float | None = None
    end: float | None = None


ALL: Final = Selection()
"""Every entry."""


class KeyRange(NamedTuple):
    """Which keys are meant: from *start* on, behind *after*, ahead of *before*; by code points."""

    start: str = ""
    after: str | None = None
    before: str | None = None


ALL_KEYS: Final = KeyRange()


class Storage(Protocol):
    """An opened storage. All methods are called on the reactor's thread.

    Deferreds fire there; a read's may have fired already.

    Reads fail with `StorageFailed` when the back end does; they raise ValueError at once for a name with a NUL, and
    for a *limit* outside 1 … `MAX_PAGE`. A read that starts after a commit's Deferred has fired sees it; one that
    starts earlier may not, unless *is_fresh*: then it sees all that was committed before the call.
    """

    @property
    def backlog(self) -> int:
        """How many changes wait for their commit."""

    @property
    def is_full(self) -> bool:
        """True while so much waits that producers must pause (see `when_roomy`)."""

    @property
    def writes(self) -> Writes:
        """What was committed since the start, in numbers."""

    @property
    def fault(self) -> StorageError | None:
        """Why nothing can be written until the next start; None as long as it can."""

    def prepare(self) -> None:
        """Create or upgrade the data; waits. Called before the fork, so that the shell sees the error.

        Raises `StorageTooNew` or `StorageFailed` with a one-line text. Leaves no thread and no connection
        behind.
        """

    def start(self) -> None:
        """Start threads and connections. After the fork."""

    def release_memory(self) -> None:
        """Let go of what is only kept to be quick, while there is little to do."""

    def stop(self) -> Deferred[None]:
        """Fires when all that was committed before is decided and everything is closed.

        Later commits fail.
        """

    def commit(self, *changes: Change) -> Deferred[None]:
        """Make all *changes* in order in one transaction; fires when they are durable.

        Where several processes keep the data (decision 0008) it is one transaction for each home that
        `xmppd.storage.homes.parts` finds in them, and this fires after the last.
        Fails with `StorageFull`, `StorageFailed` or `InvalidChange`, and then none of them happened. Commits
        are decided in the order of the calls; one without changes fires when all those before it are decided.
        To cancel the Deferred does not undo the commit.
        """

    def submit(self, changes: Sequence[Change], decided: Decided) -> None:
        """`commit` for the way of a message, without a Deferred; *decided* may be called before this returns."""

    def when_roomy(self) -> Deferred[None]:
        """Fires at once unless `is_full`; otherwise when about half of the backlog is gone."""

    def get(self, store: str, owner: str, key: str = "", *, is_fresh: bool = False) -> Deferred[bytes | None]:
        """The value of *key*, or None."""

    def get_all(self, store: str, owner: str) -> Deferred[dict[str, bytes]]:
        """All values of *owner* in *store* by key, sorted by key."""

    def get_range(
        self,
        store: str,
        owner: str,
        keys: KeyRange = ALL_KEYS,
        *,
        limit: int = 50,
        reverse: bool = False,
        is_fresh: bool = False,
    ) -> Deferred[dict[str, bytes]]:
        """At most *limit* values by key, sorted by key, with *reverse* from the last backwards."""

    def keys(self, store: str, owner: str) -> Deferred[list[str]]:
        """The keys alone, sorted."""

    def load(self, owner: str, stores: Sequence[str]) -> Deferred[dict[str, dict[str, bytes]]]:
        """The values of several stores in one read; each of *stores* is in the answer, be it empty."""

    def owners(self, store: str, *, after: str | None = None, limit: int = MAX_PAGE) -> Deferred[list[str]]:
        """Who has a key or an entry in *store*, sorted, behind *after*, at most *limit*; parts are not named.

        `xmppd.storage.pages.all_owners` goes through all pages.
        """

    def parts(
        self, store: str, owner: str, *, after: str | None = None, limit: int = MAX_PAGE
    ) -> Deferred[list[str]]:
        """The parts of *owner* that have a key or an entry in *store*, sorted, behind *after*, at most *limit*."""

    def read(
        self,
        store: str,
        owner: str,
        selection: Selection = ALL,
        *,
        limit: int = 50,
        reverse: bool = False,
        is_fresh: bool = False,
    ) -> Deferred[list[Entry]]:
        """At most *limit* entries in order of seq, from the oldest, or with *reverse* from the newest
        backwards. Fails with `UnknownEntry` if an id of *selection* is not there.
        """

    def read_ids(
        self, store: str, owner: str, ids: Sequence[str], *, is_fresh: bool = False
    ) -> Deferred[list[Entry]]:
        """The entries with these ids (at most `MAX_PAGE`), in order of seq, each once; those that are there."""

    def count(
        self,
        store: str,
        owner: str,
        selection: Selection = ALL,
        *,
        limit: int | None = None,
        is_fresh: bool = False,
    ) -> Deferred[int]:
        """How many entries *selection* selects; counts no further than *limit*.

        Fails with `UnknownEntry` if an id of it is not there.
        """

    def measure(self, store: str, owner: str, *, is_fresh: bool = False) -> Deferred[tuple[int, int]]:
        """How many entries there are, and how many bytes their stanzas have together."""


def part_of(owner: str, name: str) -> str:
    """The part *name* of *owner*, to be used as an owner."""
    return f"{owner}{PART}{name}"


def firing(done: Deferred[None]) -> Decided:
    """What fires *done* when a commit is decided."""

    def decided(error: StorageError | None) -> None:
        if error is None:
            done.callback(None)
        else:
            done.errback(error)

    return decided


def by_store(stores: Iterable[str], found: Mapping[str, dict[str, bytes]]) -> dict[str, dict[str, bytes]]:
    """The shape of `Storage.load`'s answer: each of *stores*, with what was *found* of it."""
    return {store: found.get(store, {}) for store in stores}

"""Bounds of a single change, and of all that waits for a commit."""

from collections.abc import Iterable

from twisted.internet.defer import Deferred, succeed

from xmppd.storage.interface import (
    MAX_PAGE,
    Append,
    Change,
    Delete,
    DeleteAll,
    DeleteEntries,
    DeleteOwner,
    InvalidChange,
    Note,
    Put,
    Replace,
    Selection,
    StorageError,
    StorageFull,
)

NUL = "\0"
"""What no name may hold."""

MAX_NAME_CHARS = 16_384
"""The most that store, owner, key, id and JID of a change have together.

A full JID has at most 3,071 bytes.
"""

MAX_VALUE_BYTES = 16 * 1024 * 1024
"""The largest value or stanza."""

PAUSE_CHANGES = 2_000
PAUSE_BYTES = 8 * 1024 * 1024
"""From here on `is_full` asks producers to pause."""

REFUSE_CHANGES = 200_000
REFUSE_BYTES = 128 * 1024 * 1024
"""From here on a commit fails at once: somebody does not heed `is_full`, or the disk stands still."""

_TIME_BOUND_S = 1e11

NOTE_BYTES = 50
"""What names an entry that gets another extra."""

_OVERHEAD_BYTES = 200
"""What a change costs in memory beside its bytes, roughly."""


def weigh(changes: Iterable[Change]) -> int:
    """The size of *changes* in memory, in bytes, roughly.

    Raises `InvalidChange` for one that is out of bounds.
    """
    total = 0
    for change in changes:
        size = 0
        if isinstance(change, Append):
            store, owner, (entry_id, _, with_jid, stanza, extra, with_resource) = change
            size = len(stanza) + len(extra)
            names = f"{store}{owner}{entry_id}{with_jid}{with_resource}"
        elif isinstance(change, Put):
            size = len(change.value)
            names = f"{change.store}{change.owner}{change.key}"
        elif isinstance(change, Replace):
            size = len(change.stanza) + len(change.extra)
            names = f"{change.store}{change.owner}{change.id}"
        elif isinstance(change, Note):
            size = sum(len(extra) + NOTE_BYTES for _, extra in change.notes)
            names = f"{change.store}{change.owner}"
        else:
            names = _names_of(change)
        chars = len(names)
        if NUL in names:
            raise InvalidChange("a name holds a NUL, which not every database can keep")
        if size > MAX_VALUE_BYTES:
            raise InvalidChange(f"a value of {size} bytes is too large; {MAX_VALUE_BYTES} are allowed")
        if chars > MAX_NAME_CHARS:
            raise InvalidChange(f"names of {chars} characters are too long; {MAX_NAME_CHARS} are allowed")
        total += size + chars + _OVERHEAD_BYTES
    return total


def _names_of(change: Delete | DeleteAll | DeleteOwner | DeleteEntries) -> str:
    """What has no values has names alone; ids are many, and each is as long as any."""
    if isinstance(change, DeleteOwner):
        return change.owner
    if isinstance(change, Delete):
        return f"{change.store}{change.owner}{change.key}"
    if isinstance(change, DeleteEntries) and any(NUL in entry_id for entry_id in change.ids):
        raise InvalidChange("an id holds a NUL, which not every database can keep")
    return f"{change.store}{change.owner}"


def check_names(*names: str) -> None:
    """Raises ValueError for one that no back end needs to keep: a NUL is in it."""
    for name in names:
        if NUL in name:
            raise ValueError(f"the name {name!r} holds a NUL")


def check_selection(selection: Selection) -> None:
    """`check_names` of all that is in it."""
    for name in (selection.after_id, selection.before_id, selection.with_jid, selection.with_resource):
        if name is not None and NUL in name:
            raise ValueError(f"the name {name!r} holds a NUL")


def check_limit(limit: int) -> None:
    """Raises ValueError for a page size outside 1 … `MAX_PAGE`."""
    if not 1 <= limit <= MAX_PAGE:
        raise ValueError(f"a page has 1 to {MAX_PAGE} entries, not {limit}")


def check_time(sent_at: float) -> None:
    """Raises `InvalidChange` for what is no time at all, as NaN or infinity."""
    if not -_TIME_BOUND_S < sent_at < _TIME_BOUND_S:
        raise InvalidChange(f"{sent_at} is no time")


class Backlog:
    """Counts what waits for its commit, and wakes those who wait for room."""

    __slots__ = ("_roomy", "changes", "is_full", "size_bytes")

    def __init__(self) -> None:
        self.changes = 0
        self.size_bytes = 0
        self.is_full = False
        """True when producers must pause."""
        self._roomy: list[Deferred[None]] = []

    @property
    def is_beyond_bounds(self) -> bool:
        """True when nothing more is taken in."""
        return self.changes >= REFUSE_CHANGES or self.size_bytes >= REFUSE_BYTES

    def refusal(self, fault: StorageError | None) -> StorageError | None:
        """Why nothing is taken in now: *fault*, or that too much waits; None where it is."""
        if fault is None and self.is_beyond_bounds:
            return StorageFull("too many changes wait for the disk")
        return fault

    def add(self, changes: int, size_bytes: int) -> None:
        """So much more waits."""
        self.changes += changes
        self.size_bytes += size_bytes
        self.is_full = self.changes >= PAUSE_CHANGES or self.size_bytes >= PAUSE_BYTES

    def remove(self, changes: int, size_bytes: int) -> None:
        """So much is decided; those who waited for room go on when half of the bound is free."""
        self.changes -= changes
        self.size_bytes -= size_bytes
        self.is_full = self.changes >= PAUSE_CHANGES or self.size_bytes >= PAUSE_BYTES
        if self._roomy and self.changes <= PAUSE_CHANGES // 2 and self.size_bytes <= PAUSE_BYTES // 2:
            woken, self._roomy = self._roomy, []
            for waiting in woken:
                waiting.callback(None)

    def when_roomy(self) -> Deferred[None]:
        """A Deferred that fires when there is room again; at once if there is."""
        if not self.is_full:
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._forget)
        self._roomy.append(waiting)
        return waiting

    def _forget(self, waiting: Deferred[None]) -> None:
        if waiting in self._roomy:
            self._roomy.remove(waiting)

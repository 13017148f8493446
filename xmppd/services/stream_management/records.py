"""What outlives the server of a resumable session: its queue of durable messages, and the count of what it sent.

The queue's entries of all sessions of an account lie together under the account, in the order in which they were sent.
An entry refers to the account's archive where the message is there; only what is not archived is stored again. An
entry's id is that of its session and the count of the stanza, its ``extra`` the number of sessions that got a copy, and
the id in the archive; ``with_resource`` is the resource of the session.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from xmppd.services.archive.ids import archived_as
from xmppd.stanza.stamps import to_milliseconds
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Append, Change, Entry, NewEntry, Put
from xmppd.stream.acks import is_up_to

QUEUE: Final = "sm_queue"
SESSIONS: Final = "sm_sessions"


class Key(NamedTuple):
    """Whose queue an entry belongs to: the account, and the session with its resource."""

    owner: str
    resource: str
    session_id: str


def entry_id(session_id: str, count: int) -> str:
    """Give the id of the entry for the stanza that is number *count* of a session."""
    return f"{session_id}.{count}"


def is_handled(id: str, session_id: str, h: int) -> bool:
    """Whether a client that has handled all up to *h* of a session has that with this `entry_id`."""
    of, _, count = id.rpartition(".")
    return of == session_id and count.isdigit() and is_up_to(int(count), h)


def unsent_id(session_id: str, count: int) -> str:
    """Give the id of the entry for a message that has no number yet."""
    return f"{session_id}.u{count}"


def queued(
    key: Key, id: str, stanza: Stanza, sent_at: float, copies: int, changes: Iterable[Change]
) -> Append:
    """Give the change that keeps *stanza*; *changes* are those of its transaction, maybe into the archive."""
    archive_id = archived_as(changes, key.owner)
    data, extra = (stanza.to_bytes(), b"%d " % copies) if archive_id is None else (b"", b"")
    if archive_id is not None:
        extra = f"{copies} {archive_id}".encode()
    return Append(QUEUE, key.owner, NewEntry(id, to_milliseconds(sent_at), "", data, extra, key.resource))


class Queued(NamedTuple):
    """An entry of a queue, as it was read back."""

    seq: int
    session_id: str
    number: int | None
    """None for one that was never sent."""
    resource: str
    sent_at: float
    copies: int
    archive_id: str
    data: bytes

    @property
    def message(self) -> tuple[str, bytes]:
        """What the copies of one message have in common."""
        return self.archive_id, self.data


def read_queued(entry: Entry) -> Queued:
    """Read an entry. Raises ValueError."""
    session_id, _, count = entry.id.rpartition(".")
    copies, _, archive_id = entry.extra.decode().partition(" ")
    return Queued(
        entry.seq,
        session_id,
        int(count) if count.isdigit() else None,
        entry.with_resource,
        entry.sent_at,
        int(copies),
        archive_id,
        entry.stanza,
    )


class Record(NamedTuple):
    """What is known of a session: how many of its stanzas were handled, when that was so, and its resource."""

    handled: int
    at: int
    resource: str


def recorded(key: Key, handled: int, at: float) -> Put:
    """Give the change that keeps how much of a session was handled."""
    return Put(SESSIONS, key.owner, key.session_id, f"{handled} {int(at)} {key.resource}".encode())


def read_record(data: bytes) -> Record:
    """Read what `recorded` wrote. Raises ValueError."""
    handled, at, resource = data.decode().split(" ", 2)
    return Record(int(handled), int(at), resource)

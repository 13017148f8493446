"""What outlives the server of a resumable session: how much of what its client sent was handled."""

from typing import Final, NamedTuple

from xmppd.storage.interface import Put

SESSIONS: Final = "sm_sessions"


class Key(NamedTuple):
    """Which session is meant: the account, its resource, and its id."""

    owner: str
    resource: str
    session_id: str


class Record(NamedTuple):
    """What is known of a session: how many of its stanzas were handled, when that was so, and its resource."""

    handled: int
    at: int
    resource: str


def recorded(key: Key, handled: int, at: float) -> Put:
    """Give the change that keeps how much of a session was handled."""
    return Put(SESSIONS, key.owner, key.session_id, f"{handled} {int(at)} {key.resource}".encode())


def read_record(data: bytes) -> Record | None:
    """Read what `recorded` wrote; None for anything else."""
    try:
        handled, at, resource = data.decode().split(" ", 2)
        return Record(int(handled), int(at), resource)
    except ValueError:
        return None

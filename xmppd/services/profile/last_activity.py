"""When accounts were last there (XEP-0012 3): store ``last_activity``, written when nobody is there any more.

Who is connected and not available is not there: then it is told when the last resource became unavailable, and what
it said. That is kept with its session, and stored when that ends.
"""

import json
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from xmppd.core.attachment import Attachment
from xmppd.core.registry import SessionRegistry
from xmppd.core.session import Session
from xmppd.core.waiting import deferred, spawn
from xmppd.services.accounts.accounts import Accounts
from xmppd.storage.interface import Put, Storage

STORE = "last_activity"
STATUS_CHARS = 1_000
"""How much of a status text is kept."""


class Activity(NamedTuple):
    """When an account's last resource left (seconds since 1970; None: one is there), and what it said then."""

    left_at: float | None
    status: str = ""


NOTED: Final = Attachment[Activity]("last_activity")
"""When a session that goes on became unavailable."""


class LastActivity:
    """Keeps when accounts were last there."""

    def __init__(
        self, storage: Storage, registry: SessionRegistry, accounts: Accounts, now: Callable[[], float]
    ):
        """*now* is wall time in seconds."""
        self._storage = storage
        self._registry = registry
        self._accounts = accounts
        self._now = now

    @deferred
    async def of(self, bare_jid: str) -> Activity | None:
        """Give when an account was last there, None where that was never; `StorageError`."""
        sessions = self._registry.resources(bare_jid)
        if _is_one_there(sessions):
            return Activity(None)
        noted = [activity for activity in (session.attached(NOTED) for session in sessions) if activity]
        stored = await self._storage.get(STORE, bare_jid)
        if stored is not None:
            noted.append(activity_of(stored))
        if noted:
            return max(noted, key=lambda activity: activity.left_at or 0.0)
        return Activity(None) if sessions else None

    def changed(self, session: Session, status: str | None) -> None:
        """A session has become unavailable, with a text or "", or available: None."""
        if status is not None:
            session.attach(NOTED, Activity(self._now(), status[:STATUS_CHARS]))
        elif session.attached(NOTED) is not None:
            session.attach(NOTED, None)

    def left(self, session: Session, status: str | None) -> None:
        """Note that a session has ended, if nobody is there any more; nobody waits for the commit."""
        bare_jid, noted = session.bare_jid or "", session.attached(NOTED)
        others = self._registry.resources(bare_jid)
        was_there = noted is not None or session.available_number > 0
        if _is_one_there(others) or (others and not was_there) or not self._accounts.exists(bare_jid):
            return
        said = (status or (noted.status if noted else ""))[:STATUS_CHARS]
        spawn("last activity", self._storage.commit(leaving(bare_jid, self._now(), said)))


def leaving(bare_jid: str, at: float, status: str) -> Put:
    """Give what stores when an account was last there, and what it said."""
    known = {"left_at": at, **({"status": status[:STATUS_CHARS]} if status else {})}
    return Put(STORE, bare_jid, "", json.dumps(known, ensure_ascii=False).encode())


def activity_of(data: bytes) -> Activity:
    """Give what `leaving` has written."""
    known = json.loads(data)
    return Activity(known["left_at"], known.get("status", ""))


def _is_one_there(sessions: Iterable[Session]) -> bool:
    return any(session.presence is not None for session in sessions)

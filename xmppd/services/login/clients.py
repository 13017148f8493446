"""The clients of each account, as their user sees them: what they say they are, when they were here, how they log in.

Rules that live here:

- a client is known by the id of its user agent (XEP-0388 2.3), of which a hash is kept; one without has its session;
- what is kept is kept in memory for some accounts and written when it matters: a new client, a token, a name that has
  changed, at most once an hour the time;
- an account has at most `CLIENTS` of them: the one that was away longest makes room, and its tokens go with it; so do
  those that were away longer than the host keeps them;
- to revoke one takes its tokens away, then ends its sessions, and those that are about to begin; whether it knows the
  password is told, since then it can come again.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.core.attachment import Attachment
from xmppd.core.bounded import Bounded
from xmppd.core.directory import AccountDirectory
from xmppd.core.registry import SessionRegistry
from xmppd.core.session import Session
from xmppd.core.waiting import deferred, spawn, started
from xmppd.services.login.client_records import ClientRecord, client_id, hashed
from xmppd.services.login.listed_clients import Client, Revoked
from xmppd.services.login.login import Login
from xmppd.stanza.errors import StreamError
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Change, Delete, DeleteAll, Put, Storage, StorageError

STORE: Final = "clients"
CLIENTS: Final = 50
"""Clients of one account."""
REMEMBERED: Final = 4_000
"""Accounts whose clients are kept in memory."""
NOTED_EVERY_S: Final = 3_600.0
"""So often the time at which a client was last here is stored, while nothing else of it changes."""
REVOCATIONS: Final = 1_000
"""So many are remembered, for logins that had begun before."""
ALL: Final = ""
"""In place of a client's name: all clients of an account."""
REVOKED: Final = ("policy-violation", "Revoked")
"""The stream error for who begins a session though it was revoked meanwhile."""


class Keeping(NamedTuple):
    """What a host keeps of clients, and how long after they were last there (XEP-0494 privacy considerations)."""

    keep_s: float = 90 * 86_400.0
    is_address_kept: bool = True


class LoggedIn(NamedTuple):
    """How a session was begun."""

    id: str
    """The client's name; "" where it did not say who it is."""
    software: str
    device: str
    tag: str
    is_by_token: bool
    began: int = 0
    """How many revocations there had been when it began to log in."""


ATTACHED: Final = Attachment[LoggedIn]("client")


RevocationListener = Callable[[str, frozenset[str]], object]
"""Is told the account and the resources of a client that was revoked."""


class NoSuchClient(LookupError):
    """The account has no client of this name."""


class Clients:
    """Keeps what is known of clients, lists them, and revokes them."""

    _log = Logger()

    def __init__(
        self,
        storage: Storage,
        directory: AccountDirectory,
        registry: SessionRegistry,
        now: Callable[[], float],
    ):
        """*now* is wall time in seconds since 1970."""
        self._storage = storage
        self._directory = directory
        self._registry = registry
        self._now = now
        self._known: Bounded[str, dict[str, ClientRecord]] = Bounded(REMEMBERED)
        self._revocations = 0
        self._revoked: Bounded[tuple[str, str], int] = Bounded(REVOCATIONS)
        self.listeners: list[RevocationListener] = []
        """Told of each client that was revoked."""
        self.keeping: dict[str, Keeping] = {}
        """By host; a module puts in what is configured."""

    # -- records ------------------------------------------------------------------------------------------------------

    @deferred
    async def of(self, owner: str) -> dict[str, ClientRecord]:
        """Give the records of an account by the clients' names; empty where there is no account.

        They are the records themselves: who changes one calls `save`, or sets `is_dirty`. Waits for the storage.
        """
        known = self._known.get(owner)
        if known is not None:
            return known
        stored = await self.read(owner)
        known = self._known.get(owner)
        if known is not None:
            return known
        records = dict(self._readable(owner, stored))
        if self._directory.exists(owner):
            self._known.keep(owner, records)
        return records

    def is_in_memory(self, owner: str) -> bool:
        """Whether `of` has nothing to wait for."""
        return owner in self._known

    def read(self, owner: str) -> Deferred[dict[str, bytes]]:
        """Give what is stored of an account's clients. Waits for the storage."""
        return self._storage.get_all(STORE, owner)

    @deferred
    async def record(self, owner: str, id: str) -> ClientRecord:
        """Give the record of a client, a new one where there is none yet. Waits for the storage."""
        records = await self.of(owner)
        record = records.get(id)
        if record is None:
            now = self._now()
            record = records[id] = ClientRecord(id, now, now, is_dirty=True)
        return record

    @deferred
    async def save(self, owner: str, record: ClientRecord) -> None:
        """Store a record, and let go of those that are too old or too many. On `StorageError` nothing has changed.

        Nothing happens to a record that is none any more: its client was revoked meanwhile.
        """
        records = await self.of(owner)
        if records.get(record.id) is not record:
            return
        changes: list[Change] = [Put(STORE, owner, record.id, record.to_json())]
        for old in self._overdue(owner, records.values()):
            if old is not record:
                del records[old.id]
                changes.append(Delete(STORE, owner, old.id))
        record.is_dirty = False
        await self._commit(owner, changes)

    # -- what happens to clients --------------------------------------------------------------------------------------

    def beginning(self, login: Login) -> None:
        """A client begins to log in."""
        login.began = self._revocations

    def may_bind(self, session: Session) -> bool:
        """Whether a session's client has not been revoked since it began to log in."""
        client: LoggedIn | None = session.attached(ATTACHED)
        owner = f"{session.username}@{session.host}"
        return client is None or all(
            self._revoked.get((owner, id), 0) <= client.began for id in (client.id, ALL)
        )

    @deferred
    async def logging_in(self, login: Login) -> None:
        """A client is let in: note who it is. Waits for the storage; what is to be stored is stored later."""
        id = client_id(login.agent.id)
        session, agent = login.session, login.agent
        said = LoggedIn(id, agent.software, agent.device, login.tag, login.is_by_token, login.began)
        session.attach(ATTACHED, said)
        if not self.may_bind(session):
            session.close(StreamError(*REVOKED))
            return
        if not id or not self._directory.exists(login.bare_jid):
            return
        record = await self.record(login.bare_jid, id)
        names = (agent.software or record.software, agent.device or record.device, login.tag or record.tag)
        address = session.peer if self._keeping(login.bare_jid).is_address_kept else ""
        now = self._now()
        if (
            names != (record.software, record.device, record.tag)
            or now - record.last_seen > NOTED_EVERY_S
            or (login.is_by_password and not record.knows_password)
        ):
            record.is_dirty = True
        record.software, record.device, record.tag = names
        record.address, record.last_seen = address, now
        record.knows_password = record.knows_password or login.is_by_password
        login.after.append(lambda: self._settle(login.bare_jid, record))

    def bound(self, session: Session) -> None:
        """A session has its resource."""
        record = self._record_of(session)
        if record is not None and record.resource != session.resource:
            record.resource = session.resource or ""
            record.is_dirty = True

    def left(self, session: Session) -> None:
        """A session has ended."""
        record = self._record_of(session)
        if record is not None:
            now = self._now()
            record.is_dirty = record.is_dirty or now - record.last_seen > NOTED_EVERY_S
            record.last_seen = now
            self._settle(session.bare_jid or "", record)

    def _record_of(self, session: Session) -> ClientRecord | None:
        """Give the record of a session's client where it is in memory."""
        client: LoggedIn | None = session.attached(ATTACHED)
        return None if client is None else self._known.get(session.bare_jid or "", {}).get(client.id)

    def _settle(self, owner: str, record: ClientRecord) -> None:
        if record.is_dirty and self._directory.exists(owner):
            spawn("storing what is known of a client", self.save(owner, record))

    # -- listing and revoking -----------------------------------------------------------------------------------------

    @deferred
    async def listed(self, owner: str) -> list[Client]:
        """Give the clients of an account: those that are connected, then those that were here last."""
        records = await self.of(owner)
        sessions: dict[str, tuple[Session, ...]] = dict.fromkeys(records, ())
        for session in self._registry.resources(owner):
            id = id_of(session)
            sessions[id] = (*sessions.get(id, ()), session)
        clients = [self._client(id, records.get(id), mine) for id, mine in sessions.items()]
        return sorted(clients, key=lambda client: (not client.sessions, -client.last_seen, client.id))

    @deferred
    async def revoke(self, owner: str, id: str, text: str) -> Revoked:
        """Take its tokens from a client and end its sessions, with *text* for its user. Raises `NoSuchClient`.

        Waits for the commit; on `StorageError` nothing has changed.
        """
        records = await self.of(owner)
        record = records.get(id)
        if record is None and not self._sessions_of(owner, id):
            raise NoSuchClient(id)
        self._note_revocation(owner, id)
        if record is not None:
            await self._remove(owner, records, record)
        mine = self._sessions_of(owner, id)
        ended = tuple(session.full_jid for session in mine if session.full_jid is not None)
        resources = {session.resource for session in mine} | {record.resource if record is not None else None}
        for session in mine:
            session.close(StreamError("policy-violation", text))
        for told in self.listeners:
            told(owner, frozenset(resource for resource in resources if resource))
        knows_password = record is None or record.knows_password
        return Revoked(record is not None and bool(record.tokens), knows_password, ended)

    async def _remove(self, owner: str, records: dict[str, ClientRecord], record: ClientRecord) -> None:
        del records[record.id]
        try:
            await self._commit(owner, [Delete(STORE, owner, record.id)])
        except StorageError:
            self._revoked.pop((owner, record.id), None)
            raise

    def _note_revocation(self, owner: str, id: str) -> None:
        self._revocations += 1
        self._revoked.keep((owner, id), self._revocations)

    def _sessions_of(self, owner: str, id: str) -> list[Session]:
        return [session for session in self._registry.resources(owner) if id_of(session) == id]

    @deferred
    async def without_tokens(self, jid: JID) -> list[Change]:
        """Give what takes the tokens from all clients of an account, since no other has a password of before."""
        records = (await self.of(jid.bare)).values()
        outdated = [
            replace(record, current=None, new=None, knows_password=False)
            for record in records
            if record.tokens or record.knows_password
        ]
        return [Put(STORE, jid.bare, record.id, record.to_json()) for record in outdated]

    def password_changed(self, jid: JID) -> None:
        """Somebody may have wanted to lock a client out: what was given for the old password ends with it."""
        self._note_revocation(jid.bare, ALL)
        spawn("revoking tokens", self.revoke_tokens(jid.bare))

    @deferred
    async def revoke_tokens(self, owner: str) -> None:
        """Take the tokens from all clients of an account whose password has changed. Waits for the commit.

        Who is connected still has changed it; no other client knows it.
        """
        connected = {id_of(session) for session in self._registry.resources(owner)}
        changes: list[Change] = []
        for record in (await self.of(owner)).values():
            knows_password = record.knows_password and record.id in connected
            if record.tokens or knows_password != record.knows_password:
                record.current = record.new = None
                record.knows_password = knows_password
                changes.append(Put(STORE, owner, record.id, record.to_json()))
        if changes:
            await self._commit(owner, changes)

    def let_go(self, owner: JID) -> None:
        """Keep nothing of an account in memory: it is gone, or its home is elsewhere now. What is stored stays."""
        self._known.pop(owner.bare, None)

    @deferred
    async def clear(self, owner: str) -> None:
        """Forget all clients of an account. Waits for the commit."""
        self._known.pop(owner, None)
        await self._commit(owner, [DeleteAll(STORE, owner)])

    # -- the rest -----------------------------------------------------------------------------------------------------

    def _commit(self, owner: str, changes: list[Change]) -> Deferred[None]:
        """Make *changes*; where that fails, what is in memory is forgotten, so that what is stored holds."""

        async def commit() -> None:
            try:
                await self._storage.commit(*changes)
            except StorageError:
                self._known.pop(owner, None)
                raise

        return started(commit())

    def _client(self, id: str, record: ClientRecord | None, sessions: tuple[Session, ...]) -> Client:
        if record is None:
            newest = sessions[-1]
            said: LoggedIn = newest.attached(ATTACHED) or LoggedIn("", "", "", "", False)
            opened = min(session.opened_at for session in sessions)
            return Client(
                id, said.software, said.device, said.tag, opened, self._now(), newest.peer,
                _resources(sessions), True, None, sessions,
            )  # fmt: skip
        return Client(
            id, record.software, record.device, record.tag, record.first_seen,
            self._now() if sessions else record.last_seen, record.address, _resources(sessions) or record.resource,
            record.knows_password, max((token.expires_at for token in record.tokens), default=None), sessions,
        )  # fmt: skip

    def _keeping(self, owner: str) -> Keeping:
        return self.keeping.get(owner.rpartition("@")[2], Keeping())

    def _overdue(self, owner: str, records: Iterable[ClientRecord]) -> list[ClientRecord]:
        connected = {id_of(session) for session in self._registry.resources(owner)}
        away = sorted(
            (record for record in records if record.id not in connected), key=lambda each: each.last_seen
        )
        limit = self._now() - self._keeping(owner).keep_s
        too_many = len(away) + len(connected) - CLIENTS
        return [record for place, record in enumerate(away) if place < too_many or record.last_seen < limit]

    def _readable(self, owner: str, stored: dict[str, bytes]) -> Iterable[tuple[str, ClientRecord]]:
        for id, data in stored.items():
            try:
                yield id, ClientRecord.from_json(data)
            except ValueError as error:
                self._log.error("A client of {owner} cannot be read: {error}", owner=owner, error=str(error))


def _resources(sessions: Iterable[Session]) -> str:
    return ", ".join(session.resource or "" for session in sessions)


def id_of(session: Session) -> str:
    """Give the name of the client that a session belongs to: one that did not say who it is has its session only."""
    client: LoggedIn | None = session.attached(ATTACHED)
    return client.id if client is not None and client.id else hashed(session.full_jid or "")

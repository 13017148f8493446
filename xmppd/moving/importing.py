"""Takes pieces into the storage of a stopped server: an account or a room appears whole, or not at all.

Rules that live here: what belongs to an account or room is stored first, what makes it last, in one transaction
wherever it fits into one. So an import that was interrupted leaves what was there before and whole accounts; what is
left of the one it was at is removed when it is begun again, and those that are there are passed over. Keys of passwords
are derived on all processors while the next accounts are read.
"""

import secrets
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from xmppd.moving import model
from xmppd.moving.completing import completed
from xmppd.moving.keeping import Keeping
from xmppd.moving.model import Account, NotCarried, Owner, Piece, Room
from xmppd.moving.renaming import renamed
from xmppd.moving.report import Report
from xmppd.moving.source import Source
from xmppd.services.accounts.errors import InvalidName
from xmppd.services.accounts.names import checked_name
from xmppd.services.accounts.stored import ACCOUNTS
from xmppd.services.rooms.store import ROOM
from xmppd.storage.bounds import weigh
from xmppd.storage.interface import Change, DeleteOwner, InvalidChange
from xmppd.stream.sasl.credentials import HASHES, Credentials, derive

BATCH_CHANGES: Final = 1_000
BATCH_BYTES: Final = 8 * 1024 * 1024
"""What is more goes into several transactions."""
AHEAD: Final = 64
"""So many accounts wait at most for the keys of their passwords."""
SMALL_BYTES: Final = 256 * 1024
"""And one that is larger than that is not waited with."""
SECRET_BYTES: Final = 24
PROGRESS_EVERY: Final = 250
"""Pieces between two words of how far it is."""

Progress = Callable[[int, int], object]
"""Told how many units are done, of how many."""


class BlockingStore(Protocol):
    """An opened storage, for who waits for it."""

    def get(self, store: str, owner: str, key: str) -> bytes | None:
        """Give a value; `StorageError`."""

    def commit(self, changes: Sequence[Change]) -> None:
        """Queue *changes* as one transaction; waits only where too much is queued. `StorageError` of earlier ones."""

    def settle(self) -> None:
        """Wait until all that was queued is decided; `StorageError`."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done with the pieces."""

    hosts: Collection[str]
    """The domains that take accounts."""
    services: Collection[str]
    """The domains that take rooms."""
    new_names: Mapping[str, str] = field(default_factory=dict)
    """Old domain → new."""
    kept_since: Mapping[str, float] = field(default_factory=dict)
    """By domain since when its archives keep messages, in seconds since 1970; older ones are taken, and counted."""
    is_dry: bool = False
    hash_names: Sequence[str] = HASHES
    """For which hashes keys are derived from passwords."""


@dataclass(slots=True)
class _Open:
    """The account or room that is being taken."""

    owner: Owner
    changes: list[Change]
    size_bytes: int = 0
    is_begun: bool = False
    """Whether something of it is stored already."""
    keys: "Future[Credentials] | None" = None


class Importer:
    """Takes what a source has."""

    def __init__(
        self,
        store: BlockingStore,
        wanted: Wanted,
        executor: Executor,
        now: Callable[[], float] = time.time,
        random_text: Callable[[int], str] = secrets.token_urlsafe,
    ):
        """*executor* derives keys of passwords."""
        self._store = store
        self._wanted = wanted
        self._executor = executor
        self._keeping = Keeping(now, random_text)
        self._random_text = random_text
        self._waiting: deque[_Open] = deque()
        self._seen: set[str] = set()
        """Whom the source had already; a server keeps as many names in memory."""
        self.report = Report()

    def run(self, source: Source, on_progress: Progress = lambda done, total: None) -> Report:
        """Take all of it. `SourceError`; `StorageError`, and then all that is there is whole."""
        began = time.monotonic()
        open_: _Open | None = None
        for number, piece in enumerate(self._ready(source.pieces())):
            if number % PROGRESS_EVERY == 0:
                on_progress(source.done, source.total)
            if isinstance(piece, NotCarried):
                self.report.leave(piece)
            elif isinstance(piece, Account | Room):
                self._end(open_)
                open_ = self._begin(piece)
            elif open_ is not None:
                self._take(open_, piece)
        self._end(open_)
        self._drain(0)
        self._store.settle()
        on_progress(source.total, source.total)
        self.report.seconds = time.monotonic() - began
        return self.report

    def _ready(self, pieces: Iterable[Piece]) -> Iterable[Piece]:
        return completed(renamed(pieces, self._wanted.new_names))

    # -- an account or room -------------------------------------------------------------------------------------------

    def _begin(self, owner: Owner) -> _Open | None:
        """Decide whether it is taken."""
        if isinstance(owner, Account):
            jid, served = owner.jid, self._wanted.hosts
        else:
            jid, served = owner.address, self._wanted.services
        if jid.domainpart not in served:
            self.report.not_served[jid.domainpart] += 1
            return None
        if isinstance(owner, Account):
            try:
                checked_name(jid)
            except InvalidName as error:
                self.report.leave(
                    NotCarried("accounts whose names cannot be had here", f"{jid.bare}: {error}")
                )
                return None
        if jid.bare in self._seen:
            self.report.leave(NotCarried("accounts and rooms that are there twice", jid.bare))
            return None
        self._seen.add(jid.bare)
        if self._is_there(owner):
            self.report.present[jid.domainpart] += 1
            return None
        self.report.carried[type(owner)] += 1
        open_ = _Open(owner, [DeleteOwner(jid.bare)])
        if isinstance(owner, Account) and owner.credentials is None:
            open_.keys = self._keys(owner)
        return open_

    def _is_there(self, owner: Owner) -> bool:
        if isinstance(owner, Room):
            return self._store.get(ROOM, owner.address.bare, "") is not None
        jid = owner.jid
        return self._store.get(ACCOUNTS, jid.domainpart, jid.localpart or "") is not None

    def _keys(self, account: Account) -> "Future[Credentials] | None":
        """Have the keys of the password derived; of one that is not known nobody knows any."""
        password = account.password
        if not password:
            self.report.without_password += 1
            password = self._random_text(SECRET_BYTES)
        if self._wanted.is_dry:
            return None
        return self._executor.submit(partial(derive, password, hash_names=self._wanted.hash_names))

    def _take(self, open_: _Open, piece: Piece) -> None:
        owner = open_.owner
        try:
            if isinstance(owner, Account):
                changes = self._keeping.of_account(owner.jid, piece)
            else:
                changes = self._keeping.of_room(owner.address, piece)
            size_bytes = weigh(changes)
        except (InvalidChange, ValueError) as error:
            kind = model.WORDS[type(piece)][1]
            self.report.leave(NotCarried(f"{kind} that cannot be stored", f"{_name(owner)}: {error}"))
            return
        self.report.carried[type(piece)] += 1
        if isinstance(piece, model.Archived) and piece.at < self._wanted.kept_since.get(_domain(owner), 0.0):
            self.report.too_old += 1
        open_.changes += changes
        open_.size_bytes += size_bytes
        if len(open_.changes) >= BATCH_CHANGES or open_.size_bytes >= BATCH_BYTES:
            self._commit(open_.changes)
            open_.changes, open_.size_bytes, open_.is_begun = [], 0, True

    def _end(self, open_: _Open | None) -> None:
        if open_ is not None:
            self._waiting.append(open_)
            self._drain(AHEAD if open_.size_bytes <= SMALL_BYTES else 0)

    def _drain(self, left: int) -> None:
        """Store those whose keys are there, in their order, until so many are left."""
        while self._waiting and (
            len(self._waiting) > left or self._waiting[0].keys is None or self._waiting[0].keys.done()
        ):
            self._finish(self._waiting.popleft())

    def _finish(self, open_: _Open) -> None:
        """Have it be there."""
        owner = open_.owner
        if self._wanted.is_dry:
            return
        if open_.is_begun:
            self._store.settle()  # what makes it is stored behind all the rest
        if isinstance(owner, Room):
            making = self._keeping.room(owner)
        else:
            credentials = owner.credentials
            try:
                credentials = credentials or (open_.keys.result() if open_.keys is not None else None)
            except ValueError:
                self.report.without_password += 1
            if credentials is None:
                credentials = derive(self._random_text(SECRET_BYTES), hash_names=self._wanted.hash_names)
            making = self._keeping.account(owner, credentials)
        self._store.commit([*open_.changes, *making])

    def _commit(self, changes: Sequence[Change]) -> None:
        if not self._wanted.is_dry:
            self._store.commit(changes)


def _domain(owner: Owner) -> str:
    return owner.jid.domainpart if isinstance(owner, Account) else owner.address.domainpart


def _name(owner: Owner) -> str:
    return owner.jid.bare if isinstance(owner, Account) else owner.address.bare

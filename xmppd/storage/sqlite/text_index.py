"""`SQLiteTextIndex`: the index of words over FTS5, in a file of its own so that it never holds up a commit.

Each owner is a word too, so that a search looks at one account's entries alone. What is lost with the file is indexed
again from the archives.
"""

import sqlite3
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredLock

from xmppd.storage.interface import StorageFailed
from xmppd.storage.text_index import Found, Text

T = TypeVar("T")
InThread = Callable[..., Deferred[Any]]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS indexed (owner TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE IF NOT EXISTS entry USING
    fts5 (owner, id UNINDEXED, text, tokenize = 'unicode61 remove_diacritics 2');
"""
_OWNER_BYTES = 10
_SEQS_A_STATEMENT = 500
_NO_END = 2**62


class SQLiteTextIndex:
    """See `xmppd.storage.text_index.TextIndex`. Opened at the first use; one call after the other, in a thread."""

    def __init__(self, path: str, in_thread: InThread) -> None:
        """*path* may be ``:memory:``; *in_thread* calls a function with arguments in a thread."""
        self._path = path
        self._in_thread = in_thread
        self._connection: sqlite3.Connection | None = None
        self._lock = DeferredLock()

    def last_seq(self, owner: str) -> Deferred[int]:
        """How far *owner* is indexed."""
        return self._run(_last_seq, owner)

    def add(self, owner: str, texts: Sequence[Text], last_seq: int) -> Deferred[None]:
        """Index *texts*."""
        return self._run(_add, owner, tuple(texts), last_seq)

    def remove(self, owner: str, *, seqs: Sequence[int] = (), below: int | None = None) -> Deferred[None]:
        """Forget some entries."""
        return self._run(_remove, owner, tuple(seqs), below)

    def forget(self, owner: str) -> Deferred[None]:
        """Forget all entries."""
        return self._run(_forget, owner)

    def search(
        self,
        owner: str,
        words: Sequence[str],
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 100,
        reverse: bool = False,
    ) -> Deferred[list[Found]]:
        """Find entries."""
        return self._run(_search, owner, tuple(words), after, before, limit, reverse)

    def _run(self, work: Callable[..., T], *arguments: object) -> Deferred[T]:
        return self._lock.run(self._in_thread, self._call, work, *arguments)

    def _call(self, work: Callable[..., T], *arguments: object) -> T:
        try:
            connection = self._connection or self._open()
            with connection:
                return work(connection, *arguments)
        except sqlite3.Error as error:
            raise StorageFailed(f"the index of words cannot be used: {error}") from error

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
        self._connection = connection
        return connection


def _last_seq(connection: sqlite3.Connection, owner: str) -> int:
    row = connection.execute("SELECT seq FROM indexed WHERE owner = ?", (owner,)).fetchone()
    return int(row[0]) if row else 0


def _add(connection: sqlite3.Connection, owner: str, texts: Sequence[Text], last_seq: int) -> None:
    known = _last_seq(connection, owner)
    name = _name(owner)
    connection.executemany(
        "INSERT INTO entry (rowid, owner, id, text) VALUES (?, ?, ?, ?)",
        [(seq, name, id_, text) for seq, id_, text in texts if seq > known],
    )
    connection.execute("INSERT OR REPLACE INTO indexed VALUES (?, ?)", (owner, max(known, last_seq)))


def _remove(connection: sqlite3.Connection, owner: str, seqs: Sequence[int], below: int | None) -> None:
    for start in range(0, len(seqs), _SEQS_A_STATEMENT):
        part = seqs[start : start + _SEQS_A_STATEMENT]
        connection.execute(f"DELETE FROM entry WHERE rowid IN ({', '.join('?' * len(part))})", part)
    if below is not None:
        connection.execute(
            "DELETE FROM entry WHERE rowid IN (SELECT rowid FROM entry WHERE entry MATCH ? AND rowid < ?)",
            (f'owner : "{_name(owner)}"', below),
        )


def _forget(connection: sqlite3.Connection, owner: str) -> None:
    _remove(connection, owner, (), _NO_END)
    connection.execute("DELETE FROM indexed WHERE owner = ?", (owner,))


def _search(
    connection: sqlite3.Connection,
    owner: str,
    words: Sequence[str],
    after: int,
    before: int | None,
    limit: int,
    reverse: bool,
) -> list[Found]:
    quoted = " AND ".join('"' + word.replace('"', '""') + '"' for word in words)
    order = "DESC" if reverse else "ASC"
    rows = connection.execute(
        f"SELECT rowid, id FROM entry WHERE entry MATCH ? AND rowid > ? AND rowid < ? ORDER BY rowid {order} LIMIT ?",
        (
            f'owner : "{_name(owner)}" AND text : ({quoted})',
            after,
            _NO_END if before is None else before,
            limit,
        ),
    )
    return [Found(seq, id_) for seq, id_ in rows]


def _name(owner: str) -> str:
    """A word that stands for *owner*, and that the tokenizer takes as one."""
    return "o" + blake2b(owner.encode(), digest_size=_OWNER_BYTES).hexdigest()

"""Writes accounts, rosters and an archive into a data file of xmppd before it starts, in its own storage's forms."""

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.load.login import HOST, PASSWORD, user_name
from xmppd.services.accounts import accounts
from xmppd.services.roster import roster
from xmppd.services.roster.items import RosterItem, encode
from xmppd.storage.sqlite.schema import bring_up
from xmppd.stream.sasl.credentials import derive

CREATED_AT = 1_600_000_000.0
INSERT = "INSERT INTO kv (store, owner, key, value) VALUES (?, ?, ?, ?)"
INSERT_ENTRY = (
    "INSERT INTO entry (seq, box, id, sent_at, with_jid, with_resource, extra, stanza) "
    "VALUES (?, 1, ?, ?, 'u1@localhost', 'r', x'', ?)"
)

Value = tuple[str, str, str, bytes]


def seed(path: Path, account_count: int, contact_count: int, archived_count: int) -> None:
    """Make the file; all accounts share one salt a hash, as on the other servers."""
    bring_up(path)
    with closing(sqlite3.connect(path)) as database, database:
        database.executemany(INSERT, _accounts(account_count))
        database.executemany(INSERT, _rosters(contact_count))
        if archived_count:
            database.execute(
                "INSERT INTO box (box, store, owner, skew) VALUES (1, 'archive', 'u0@localhost', 0)"
            )
            database.executemany(INSERT_ENTRY, _entries(archived_count))
            database.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('fresh', ?)", (archived_count,))


def _accounts(count: int) -> Iterator[Value]:
    credentials = derive(PASSWORD, random=secrets.token_bytes).to_json()
    about = json.dumps({"created_at": CREATED_AT}).encode()
    for number in range(count):
        yield accounts.ACCOUNTS, HOST, user_name(number), about
        yield accounts.CREDENTIALS, f"{user_name(number)}@{HOST}", "", credentials


def _rosters(contacts: int) -> Iterator[Value]:
    user = f"{user_name(0)}@{HOST}"
    for number in range(1, contacts + 1):
        contact = f"{user_name(number)}@{HOST}"
        for owner, jid in ((user, contact), (contact, user)):
            yield roster.STORE, owner, jid, encode(RosterItem(jid, subscription="both"))


def _entries(count: int) -> Iterator[tuple[int, str, float, bytes]]:
    for number in range(1, count + 1):
        stanza = (
            "<message to='u0@localhost' from='u1@localhost/r' type='chat' "
            f"id='m{number}'><body>message {number} {'x' * 80}</body></message>"
        )
        yield number, f"key-{number:012d}", CREATED_AT + number, stanza.encode()

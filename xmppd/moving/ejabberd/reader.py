"""All of a dump, as pieces: accounts, then rooms."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from xmppd.moving.ejabberd import accounts, nodes, rooms
from xmppd.moving.ejabberd.spool import Spool
from xmppd.moving.model import NotCarried, Piece
from xmppd.moving.names import jid_or_none
from xmppd.stanza.jid import JID

_READ: Final = frozenset(
    ("passwd", "muc_room", "archive_msg", "pubsub_node", "pubsub_item", "pubsub_state", *accounts.TABLES)
)
_PASSED_OVER: Final = frozenset(
    (
        "vcard_search",
        "roster_version",
        "caps_features",
        "pubsub_index",
        "pubsub_orphan",
        "oauth_token",
        "oauth_client",
        "route",
        "session",
        "session_counter",
        "muc_online_room",
        "muc_online_users",
        "captcha",
        "translations",
        "mod_register_ip",
        "bytestream",
        "temporarily_blocked",
    )
)
"""Tables of what is made anew, or means nothing on another server."""


class EjabberdSource:
    """A `xmppd.moving.source.Source`; its units are bytes of the dump, read twice."""

    def __init__(self, file: Path):
        """Raises OSError where it cannot be read."""
        self._spool = Spool(file)
        self._is_filled = False
        self._owners = 0
        self._given = 0

    @property
    def total(self) -> int:
        """Reading and sorting count as much as giving."""
        return 2 * self._spool.total_bytes

    @property
    def done(self) -> int:
        """How far it has come."""
        if not self._is_filled:
            return self._spool.read_bytes
        part = self._given / self._owners if self._owners else 1.0
        return self._spool.total_bytes + round(self._spool.total_bytes * part)

    def pieces(self) -> Iterator[Piece]:
        """Give all pieces; `SourceError`."""
        spool = self._spool
        try:
            for error in spool.fill():
                yield NotCarried("terms that cannot be read", error)
            self._is_filled = True
            users, places = spool.owners("passwd"), spool.owners("muc_room")
            self._owners = len(users) + len(places)
            for user in users:
                self._given += 1
                yield from self._account(JID.of_prepared(user))
            for place in places:
                self._given += 1
                yield from self._room(JID.of_prepared(place))
            yield from self._left(set(places))
        finally:
            spool.close()

    def _account(self, jid: JID) -> Iterator[Piece]:
        spool = self._spool
        try:
            yield accounts.account(jid, spool.of(jid.bare, "passwd"))
        except (ValueError, TypeError, KeyError) as error:
            yield NotCarried("accounts that cannot be read", f"{jid.bare}: {error}")
            return
        for table, meaning in accounts.TABLES.items():
            yield from self._read(jid, table, meaning)
        yield from nodes.nodes(spool, jid)
        yield from self._read(jid, "archive_msg", accounts.archived)

    def _read(self, jid: JID, table: str, meaning: accounts.Meaning) -> Iterator[Piece]:
        for record in self._spool.of(jid.bare, table):
            try:
                yield from meaning(jid, record)
            except (ValueError, TypeError, KeyError, IndexError) as error:
                yield NotCarried(f"records of {table} that cannot be read", f"{jid.bare}: {error}")

    def _room(self, address: JID) -> Iterator[Piece]:
        for record in self._spool.of(address.bare, "muc_room"):
            yield from rooms.room(address, record)
        for record in self._spool.of(address.bare, "archive_msg"):
            try:
                yield rooms.message(address, record)
            except (ValueError, TypeError, KeyError) as error:
                yield NotCarried("messages of rooms that cannot be read", f"{address.bare}: {error}")

    def _left(self, places: set[str]) -> Iterator[Piece]:
        """What belongs to no account, and tables that mean nothing here."""
        for owner in self._spool.strangers("roster"):
            yield NotCarried("rosters of nobody's account", owner)
        for owner in self._spool.strangers("archive_msg"):
            if owner not in places:
                yield NotCarried("archives of nobody's account or room", owner)
        for owner in self._spool.strangers("pubsub_node"):
            jid = jid_or_none(owner)
            if jid is not None and jid.localpart is None:
                yield NotCarried("nodes of pubsub services", owner)
        for table, number, owner in self._spool.counts():
            if table not in _READ and table not in _PASSED_OVER:
                for _ in range(number):
                    yield NotCarried(f"records of ejabberd's table {table}", owner or "it is not read")

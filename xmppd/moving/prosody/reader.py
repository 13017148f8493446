"""All that Prosody stores, as pieces: accounts host by host, then rooms."""

from collections.abc import Iterator
from pathlib import Path

from xmppd.moving.model import NotCarried, Piece
from xmppd.moving.names import jid_or_none
from xmppd.moving.prosody import accounts, rooms
from xmppd.moving.prosody.both import ProsodyBoth
from xmppd.moving.prosody.data import ACCOUNTS, ProsodyData
from xmppd.moving.prosody.files import ProsodyFiles
from xmppd.moving.prosody.sql import ProsodySQLite
from xmppd.moving.source import SourceError

DATABASE = "prosody.sqlite"
"""In its data folder, where nothing else is said."""


class ProsodySource:
    """A `xmppd.moving.source.Source`: its units are accounts and rooms."""

    def __init__(self, data: ProsodyData):
        self._data = data
        self.total = sum(
            len(data.users(host, store)) for host in data.hosts() for store in (ACCOUNTS, rooms.CONFIG)
        )
        self.done = 0

    @classmethod
    def at(cls, path: Path) -> "ProsodySource":
        """Read a data folder, with what SQLite has in it, or a file of SQLite alone; `SourceError`."""
        data: ProsodyData
        if path.is_dir():
            database = path / DATABASE
            data = ProsodyFiles(path)
            data = ProsodyBoth(data, ProsodySQLite(database)) if database.exists() else data
        else:
            data = ProsodySQLite(path)
        if not any(ACCOUNTS in data.stores(host) for host in data.hosts()):
            raise SourceError(
                f"{path} has no accounts of Prosody: give its data folder (data_path, in Debian /var/lib/prosody), "
                "or its prosody.sqlite"
            )
        return cls(data)

    def pieces(self) -> Iterator[Piece]:
        """Give all pieces."""
        for host in self._data.hosts():
            stores = frozenset(self._data.stores(host))
            if ACCOUNTS in stores:
                yield from self._accounts(host, stores)
            elif rooms.CONFIG in stores:
                yield from self._rooms(host)
            for store in sorted(stores):
                is_of_rooms = store in rooms.STORES or store in rooms.PASSED_OVER
                if not accounts.is_known(store) and not is_of_rooms:
                    yield from self._left(host, store)

    def _accounts(self, host: str, stores: frozenset[str]) -> Iterator[Piece]:
        users = self._data.users(host, ACCOUNTS)
        for user in users:
            self.done += 1
            jid = jid_or_none(f"{user}@{host}")
            if jid is None:
                yield NotCarried("accounts whose names are none", f"{user}@{host}")
                continue
            account = accounts.account(self._data, jid, host, user)
            yield account
            if not isinstance(account, NotCarried):
                yield from accounts.of_account(self._data, jid, host, user, stores)
        strangers = sorted(set(self._data.users(host, "roster")) - set(users))
        yield from (NotCarried("rosters of nobody's account", f"{user}@{host}") for user in strangers)

    def _rooms(self, host: str) -> Iterator[Piece]:
        for name in self._data.users(host, rooms.CONFIG):
            self.done += 1
            address = jid_or_none(f"{name}@{host}")
            if address is None:
                yield NotCarried("rooms whose names are none", f"{name}@{host}")
                continue
            yield from rooms.room(self._data, host, name, address)

    def _left(self, host: str, store: str) -> Iterator[Piece]:
        for user in self._data.users(host, store):
            yield NotCarried(f"data of Prosody's store {store}", f"{user}@{host}")

"""Prosody's data where some stores are kept in files and others in SQLite (``storage = { archive = "sql" }``)."""

from collections.abc import Iterator
from itertools import chain

from xmppd.moving.lua import Table
from xmppd.moving.prosody.data import Kept, ProsodyData


class ProsodyBoth:
    """One of two that has it; see `ProsodyData`. Where both have a table, the first counts."""

    def __init__(self, first: ProsodyData, second: ProsodyData):
        self._parts = (first, second)

    def hosts(self) -> list[str]:
        """Give the hosts of both."""
        return sorted({host for part in self._parts for host in part.hosts()})

    def users(self, host: str, store: str) -> list[str]:
        """Give who has anything in *store* in either."""
        return sorted({user for part in self._parts for user in part.users(host, store)})

    def stores(self, host: str) -> list[str]:
        """Give the stores of both."""
        return sorted({store for part in self._parts for store in part.stores(host)})

    def table(self, host: str, user: str, store: str) -> Table:
        """Give the table of the first that has one."""
        return next(filter(None, (part.table(host, user, store) for part in self._parts)), {})

    def archive(self, host: str, user: str, store: str) -> Iterator[Kept | ValueError]:
        """Give the entries of both, one behind the other."""
        return chain.from_iterable(part.archive(host, user, store) for part in self._parts)

"""From the ``url`` of ``[storage]`` to a storage."""

from collections.abc import Callable
from pathlib import Path

from twisted.internet.interfaces import IReactorFromThreads

from xmppd.storage.interface import Storage
from xmppd.storage.memory import MemoryStorage
from xmppd.storage.sqlite.connection import Durability
from xmppd.storage.sqlite.store import SQLiteStorage

Opener = Callable[[str, Path, IReactorFromThreads, Durability], Storage]


def open_storage(
    url: str, data_dir: Path, reactor: IReactorFromThreads, durability: Durability = "power"
) -> Storage:
    """The storage that *url* names; call its `prepare` before the fork and its `start` after it.

    ``sqlite:FILE`` (relative to *data_dir*) or ``memory:``. Raises ValueError with a one-line remedy for any
    other.
    """
    scheme, colon, rest = url.partition(":")
    if not colon or scheme not in _OPENERS:
        raise ValueError(
            f'[storage] url = "{url}" is not known: write "sqlite:xmppd.sqlite" (a file in the data folder)'
            ' or "memory:" (nothing is kept)'
        )
    return _OPENERS[scheme](rest, data_dir, reactor, durability)


def _open_sqlite(rest: str, data_dir: Path, reactor: IReactorFromThreads, durability: Durability) -> Storage:
    if not rest:
        raise ValueError('[storage] url = "sqlite:" names no file: write "sqlite:xmppd.sqlite"')
    return SQLiteStorage(data_dir / rest, reactor, durability)


def _open_memory(rest: str, data_dir: Path, reactor: IReactorFromThreads, durability: Durability) -> Storage:
    if rest:
        raise ValueError(f'[storage] url = "memory:{rest}" names a file: write "memory:" or "sqlite:{rest}"')
    return MemoryStorage()


_OPENERS: dict[str, Opener] = {"sqlite": _open_sqlite, "memory": _open_memory}

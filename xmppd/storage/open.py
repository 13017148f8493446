"""From the ``url`` of ``[storage]`` to a storage, and to the index of words that goes with it."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from twisted.internet.interfaces import IReactorFromThreads

from xmppd.storage.interface import Storage
from xmppd.storage.memory import MemoryStorage
from xmppd.storage.sqlite.connection import Durability
from xmppd.storage.sqlite.store import SQLiteStorage
from xmppd.storage.sqlite.text_index import InThread, SQLiteTextIndex
from xmppd.storage.text_index import TextIndex


def open_storage(
    url: str, data_dir: Path, reactor: IReactorFromThreads, durability: Durability = "power"
) -> Storage:
    """The storage that *url* names; call its `prepare` before the fork and its `start` after it.

    ``sqlite:FILE`` (relative to *data_dir*, ``~`` is a home folder) or ``memory:``. Raises ValueError with a one-line
    remedy for any other.
    """
    kind, rest = _kind(url)
    return kind.storage(rest, data_dir, reactor, durability)


def open_text_index(url: str, data_dir: Path, in_thread: InThread) -> TextIndex:
    """The index of words beside the storage that *url* names; nothing is opened before its first use.

    *in_thread* calls a function with arguments in a thread. Raises ValueError as `open_storage` does.
    """
    kind, rest = _kind(url)
    return kind.text_index(rest, data_dir, in_thread)


class _Kind(NamedTuple):
    storage: Callable[[str, Path, IReactorFromThreads, Durability], Storage]
    text_index: Callable[[str, Path, InThread], TextIndex]


def _kind(url: str) -> tuple[_Kind, str]:
    scheme, colon, rest = url.partition(":")
    if not colon or scheme not in _KINDS:
        raise ValueError(
            f'[storage] url = "{url}" is not known: write "sqlite:xmppd.sqlite" (a file in the data folder)'
            ' or "memory:" (nothing is kept)'
        )
    return _KINDS[scheme], rest


def _open_sqlite(rest: str, data_dir: Path, reactor: IReactorFromThreads, durability: Durability) -> Storage:
    if not rest:
        raise ValueError('[storage] url = "sqlite:" names no file: write "sqlite:xmppd.sqlite"')
    return SQLiteStorage(data_dir / os.path.expanduser(rest), reactor, durability)


def _open_memory(rest: str, data_dir: Path, reactor: IReactorFromThreads, durability: Durability) -> Storage:
    if rest:
        raise ValueError(f'[storage] url = "memory:{rest}" names a file: write "memory:" or "sqlite:{rest}"')
    return MemoryStorage()


def _sqlite_text_index(rest: str, data_dir: Path, in_thread: InThread) -> TextIndex:
    return SQLiteTextIndex(f"{data_dir / rest}.words", in_thread)


def _memory_text_index(rest: str, data_dir: Path, in_thread: InThread) -> TextIndex:
    return SQLiteTextIndex(":memory:", in_thread)


_KINDS: dict[str, _Kind] = {
    "sqlite": _Kind(_open_sqlite, _sqlite_text_index),
    "memory": _Kind(_open_memory, _memory_text_index),
}

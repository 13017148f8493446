"""Prosody's own files: ``HOST/STORE/USER.dat`` has a table, ``HOST/STORE/USER.list`` an archive, names are escaped."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from xmppd.moving.lua import Table, read_items, read_value
from xmppd.moving.prosody.data import Kept, element_of
from xmppd.moving.source import SourceError
from xmppd.stanza.stamps import parse_stamp

_CODE: Final = re.compile(rb"%([0-9a-fA-F]{2})")
_PLAIN: Final = re.compile(rb"[^0-9A-Za-z]")
_PLAIN_STORE: Final = re.compile(rb"[^0-9A-Za-z_]")
MAX_TABLE_BYTES: Final = 64 * 1024 * 1024
TABLE, LIST = ".dat", ".list"
_NOWHERE: Final = Path("/nonexistent")


class ProsodyFiles:
    """A data folder; see `ProsodyData`."""

    def __init__(self, folder: Path):
        """Raises `SourceError` where it cannot be read."""
        try:
            self._hosts = {
                decoded(each.name): each
                for each in folder.iterdir()
                if each.is_dir() and not each.name.startswith("_")
            }
        except OSError as error:
            raise SourceError(f"{folder} cannot be read: {error.strerror}") from error

    def hosts(self) -> list[str]:
        """Give the hosts."""
        return sorted(self._hosts)

    def users(self, host: str, store: str) -> list[str]:
        """Give who has a file in *store*."""
        folder = self._folder(host) / encoded(store, _PLAIN_STORE)
        if not folder.is_dir():
            return []
        names = {each.name for each in folder.iterdir()}
        return sorted({decoded(name.rpartition(".")[0]) for name in names if name.endswith((TABLE, LIST))})

    def stores(self, host: str) -> list[str]:
        """Give the folders of a host."""
        folder = self._folder(host)
        return (
            sorted(decoded(each.name) for each in folder.iterdir() if each.is_dir())
            if folder.is_dir()
            else []
        )

    def table(self, host: str, user: str, store: str) -> Table:
        """Read a ``.dat``."""
        file = self._file(host, user, store, TABLE)
        try:
            if file.stat().st_size > MAX_TABLE_BYTES:
                raise ValueError(f"{file} is too large")
            value = read_value(file.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise ValueError(f"{file}: {error}") from error
        return value if isinstance(value, dict) else {}

    def archive(self, host: str, user: str, store: str) -> Iterator[Kept | ValueError]:
        """Read a ``.list`` as far as it is asked for."""
        file = self._file(host, user, store, LIST)
        try:
            with file.open("rb") as lines:
                for number, item in enumerate(read_items(lines), 1):
                    try:
                        yield (
                            ValueError(f"{file}: {item}")
                            if isinstance(item, ValueError)
                            else _kept(item, number)
                        )
                    except (ValueError, TypeError, AttributeError) as error:
                        yield ValueError(f"{file}, entry {number}: {error}")
        except FileNotFoundError:
            return
        except OSError as error:
            yield ValueError(f"{file}: {error.strerror}")

    def _folder(self, host: str) -> Path:
        return self._hosts.get(host, _NOWHERE)

    def _file(self, host: str, user: str, store: str, suffix: str) -> Path:
        folder = self._folder(host)
        if not user:
            return folder / f"{encoded(store, _PLAIN_STORE)}{suffix}"
        return folder / encoded(store, _PLAIN_STORE) / f"{encoded(user)}{suffix}"


def decoded(name: str) -> str:
    """Give the name that a file name stands for."""
    return _CODE.sub(
        lambda found: bytes((int(found[1], 16),)), name.encode("utf-8", "surrogateescape")
    ).decode("utf-8", "surrogateescape")


def encoded(name: str, plain: "re.Pattern[bytes]" = _PLAIN) -> str:
    """Give the file name for a name."""
    return plain.sub(lambda found: b"%%%02x" % found[0][0], name.encode("utf-8", "surrogateescape")).decode()


def _kept(item: dict[Any, Any], number: int) -> Kept:
    attrs = dict(item.get("attr") or {})
    stamp = attrs.pop("stamp", None)
    at = item.get("when")
    when = float(at) if isinstance(at, int | float) else parse_stamp(str(stamp))
    element = element_of({**item, "attr": attrs})
    return Kept(str(item.get("key") or number), when, str(item.get("with") or ""), element)

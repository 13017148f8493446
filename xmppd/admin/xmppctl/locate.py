"""Finding the data folder by the server's rule, without the cost of reading the whole configuration.

The rule: ``data_dir`` of the configuration file, else ``$XMPPD_DATA``, else ``xmppd-data`` in the working folder;
relative ones count from the working folder.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from xmppd.admin.control.path import SOCKET_NAME

SOCKETS = Path("/proc/net/unix")
"""The UNIX sockets of this machine (proc(5)): where they are bound, and which are listened on."""
_FIELDS, _FLAGS, _LISTENS = 7, 3, b"00010000"
DATA_VARIABLE = "XMPPD_DATA"
DEFAULT_DATA_DIR = "xmppd-data"


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Where the data are, and whether somebody said so."""

    path: Path
    is_named: bool
    """False where nothing but the working folder led there."""


def running_here(sockets: Path = SOCKETS) -> list[Path]:
    """Give the data folders in which servers of this machine listen, whoever they belong to, as the kernel knows them.

    Empty where the system does not tell. Not those whose socket is elsewhere, since their folder is too deep.
    """
    try:
        lines = sockets.read_bytes().splitlines()
    except OSError:
        return []
    found: set[Path] = set()
    for line in lines:
        fields = line.split(None, _FIELDS)
        if len(fields) > _FIELDS and fields[_FLAGS] == _LISTENS:
            path = Path(os.fsdecode(fields[_FIELDS]))
            if path.name == SOCKET_NAME and path.is_absolute():
                found.add(path.parent)
    return sorted(found)


def owner_of(folder: Path) -> int | None:
    """Whose *folder* is; None where that cannot be seen."""
    try:
        return folder.stat().st_uid
    except OSError:
        return None


def data_folder(config_file: Path | None, env: Mapping[str, str]) -> DataFolder:
    """Give the data folder. OSError or ValueError where the file cannot be read: the server would refuse it too."""
    named = _named_in(config_file) if config_file is not None else None
    found = named or env.get(DATA_VARIABLE)
    path = os.path.expanduser(found or DEFAULT_DATA_DIR)
    if path.startswith("~"):
        raise ValueError(f"{path} is in the home folder of no user that there is")
    return DataFolder(Path(os.path.abspath(path)), bool(found))


def _named_in(config_file: Path) -> str | None:
    named = tomllib.loads(config_file.read_bytes().decode("utf-8-sig")).get("data_dir")
    if named is not None and (not isinstance(named, str) or not named or "\0" in named):
        raise ValueError("data_dir is no path")
    return named

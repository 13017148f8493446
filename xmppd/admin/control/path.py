"""Where the control socket is: the same answer to the server and to whoever looks for it.

The socket lies in the data folder. A UNIX socket's path is at most 107 bytes; where the data folder lies deeper, the
socket is in a folder of its own below ``/tmp``, named after the owner of the data folder and after its path, so that
root finds the server of another user too. Nobody else may have made that folder: `foreign_folder` says whether
somebody did.
"""

import hashlib
import os
import stat
from pathlib import Path

SOCKET_NAME = "control.sock"
MAX_PATH_BYTES = 107
SHORT_PARENT = Path("/tmp")
_HASH_CHARACTERS = 16


def socket_path(data_dir: Path | str) -> Path:
    """Give the path of the control socket of the server with this data folder; always short enough to bind."""
    data_dir = Path(os.path.realpath(data_dir))
    path = data_dir / SOCKET_NAME
    if len(os.fsencode(path)) <= MAX_PATH_BYTES:
        return path
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:_HASH_CHARACTERS]
    return SHORT_PARENT / f"xmppd-{_owner(data_dir)}-{digest}" / SOCKET_NAME


def foreign_folder(path: Path, data_dir: Path | str) -> str | None:
    """Say why the folder of the socket *path* cannot be trusted; None where it can.

    Only the short way through ``/tmp`` can be barred: everybody may create names there. None also where the folder is
    not there yet.
    """
    folder = path.parent
    if folder == Path(os.path.realpath(data_dir)):
        return None
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != _owner(data_dir):
        return f"{folder} belongs to somebody else"
    if stat.S_IMODE(found.st_mode) & 0o077:
        return f"{folder} is open to others"
    return None


def _owner(data_dir: Path | str) -> int:
    try:
        return Path(data_dir).stat().st_uid
    except OSError:  # there is none yet, or it cannot be seen: then the socket cannot be, either
        return os.getuid()

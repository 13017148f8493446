"""The data folder: made on the first start, readable by the server's user alone."""

import os
import secrets
import stat
from pathlib import Path

from xmppd.admin.rights import User
from xmppd.config.obstacles import Obstacle, obstacle_to_using, user_name
from xmppd.storage.replacing import replace_file

SECRET_NAME = "secret"
SECRET_BYTES = 32
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


class FolderError(Exception):
    """The data folder cannot be used; the text is one line that says why and what to do."""


class FolderOfAnother(FolderError):
    """The data folder belongs to another user."""


def make_for(user: User | None, folder: Path) -> None:
    """Make *folder* for *user*, who could perhaps not make it; nothing where it is there, or for None.

    Raises `FolderError`.
    """
    if user is None or os.path.lexists(folder):
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=_FOLDER_MODE)
        os.chown(folder, user.uid, user.gid)
    except OSError as error:
        raise _error(folder, "cannot be made", error) from error


def make_data_folder(folder: Path) -> None:
    """Make *folder* with mode 0700 where it is missing; the mode of one that is there is the operator's affair.

    Raises `FolderError` for one that is not ours.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)
    except OSError as error:
        raise _error(folder, "cannot be made", error) from error
    owner, we = folder.stat().st_uid, os.geteuid()
    if owner != we:  # root could, and would leave files behind that the owner cannot use
        run = f"sudo -u {who(owner)} xmppd; root with --uid {user_name(owner)}"
        remedy = f"run as that user ({run}), or chown -R {we} {folder}"
        whose = f"belongs to the user {user_name(owner)} and we are {user_name(we)}"
        raise FolderOfAnother(f"the data folder {folder} {whose}: {remedy}")
    obstacle = obstacle_to_using(folder)
    if obstacle is not None:
        raise FolderError(f"the data folder {folder}: {obstacle.why}; {obstacle.remedy}")


def who(uid: int) -> str:
    """Give a user as sudo takes it."""
    name = user_name(uid)
    return f"'#{uid}'" if name == str(uid) else name


def mode_for_others(folder: Path) -> int | None:
    """Give the whole mode of *folder* where others may do anything with it; None where they may not."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    return mode if mode & (stat.S_IRWXG | stat.S_IRWXO) else None


def server_secret(folder: Path) -> bytes:
    """Give the secret of this data folder, made on the first call; unknown users get stable salts from it."""
    file = folder / SECRET_NAME
    try:
        if not file.exists():
            replace_file(file, secrets.token_bytes(SECRET_BYTES), _FILE_MODE)
        content = file.read_bytes()
    except OSError as error:
        raise _error(file, "cannot be read or made", error) from error
    if len(content) < SECRET_BYTES:
        raise FolderError(f"{file} is cut short: remove it, and a new one is made")
    return content


def _error(path: Path, what: str, error: OSError) -> FolderError:
    why = Obstacle.of(path, error).why
    return FolderError(f"{path} {what}: {why}; set data_dir or $XMPPD_DATA to a folder of this user")

"""Why a path cannot be had: "not there", "not permitted" and "read-only" are different words.

The system is asked, by doing what would be done, and its answer is put into the words of an operator: which part of a
path is in the way, and whose it is. Judged by the effective user of the process.
"""

import errno
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self

_NO_TEMPORARY = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)
"""What file systems and kernels say that make no files without a name."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What is in the way: a sentence that goes on after "it cannot be had:", and what to do about it."""

    errno: int
    at: Path
    """The part of the path that it is about."""
    why: str
    remedy: str

    @property
    def is_of_rights(self) -> bool:
        """Say whether another user could."""
        return self.errno in (errno.EACCES, errno.EPERM)

    @classmethod
    def of(cls, path: Path, error: OSError) -> Self:
        """Put into words why the system refuses *path* with *error*."""
        code = error.errno or 0
        word = _WORDS.get(code)
        if word is None:
            why = error.strerror or str(error)
            return cls(code, path, why[:1].lower() + why[1:], "mend it, or name another place")
        return cls(code, *word(path))


def obstacle_to(path: Path) -> Obstacle | None:
    """Say why *path* cannot be looked at; None where it can."""
    try:
        path.stat()
    except OSError as error:
        return Obstacle.of(path, error)
    return None


def obstacle_to_reading(path: Path) -> Obstacle | None:
    """Say why the file or folder *path* cannot be read, or a folder not entered; None where it can."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as error:
        return Obstacle.of(path, error)
    return _obstacle_to_entering(path) if path.is_dir() else None


def obstacle_to_writing(path: Path) -> Obstacle | None:
    """Say why the file *path* cannot be written, or nothing be made in the folder *path*; None where it can.

    Nothing is left behind.
    """
    try:
        if path.is_dir():
            _try_to_make(path)
        else:
            os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as error:
        return Obstacle.of(path, error)
    return None


def obstacle_to_using(folder: Path) -> Obstacle | None:
    """Say why we cannot read, enter and write in *folder*; None where we can."""
    return obstacle_to_reading(folder) or obstacle_to_writing(folder)


def user_name(uid: int) -> str:
    """Give the name of a user for a sentence, its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _obstacle_to_entering(folder: Path) -> Obstacle | None:
    try:
        os.stat(os.path.join(folder, os.curdir))
    except OSError as error:
        return Obstacle.of(folder / "*", error)
    return None


def _try_to_make(folder: Path) -> None:
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        if error.errno not in _NO_TEMPORARY:
            raise
        if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from error


def _not_permitted(path: Path) -> tuple[Path, str, str]:
    who = user_name(os.geteuid())
    for folder in reversed(path.parents):
        if not os.access(folder, os.X_OK, effective_ids=True):
            why = f"the user {who} may not enter {folder} ({_whose(folder)})"
            return folder, why, "let that user enter it, or name another place"
    real = Path(os.path.realpath(path))
    if real != path:  # a link leads elsewhere, as those in certbot's folder do
        return _not_permitted(real)
    return (
        path,
        f"the user {who} may not use {path} ({_whose(path)})",
        "let that user use it, or name another",
    )


def _missing(path: Path) -> tuple[Path, str, str]:
    first = next((part for part in (*reversed(path.parents), path) if not os.path.lexists(part)), path)
    if first == path:
        target = f" (it leads to {path.readlink()})" if path.is_symlink() else ""
        return path, f"there is no such file or folder{target}", "make it, or name the right one"
    return first, f"there is no {first}", "make it, or name the right one"


def _no_folder(path: Path) -> tuple[Path, str, str]:
    for part in reversed(path.parents):
        if not part.is_dir():
            return part, f"{part} is a file and no folder", "move the file away, or name another place"
    return path, "it is a file and no folder", "move the file away, or name another place"


def _read_only(path: Path) -> tuple[Path, str, str]:
    mount = _mount_of(path)
    why = f"its file system (at {mount}) is read-only"
    return mount, why, f"mount it for writing (mount -o remount,rw {mount}), or name a place on another"


def _folder(path: Path) -> tuple[Path, str, str]:
    return path, "it is a folder and no file", "name a file"


def _in_the_way(path: Path) -> tuple[Path, str, str]:
    return path, "there is something else of this name", "move it away, or name another place"


def _full(path: Path) -> tuple[Path, str, str]:
    return path, "its disk is full", "make room, or name a place on another disk"


_WORDS = {
    errno.EACCES: _not_permitted,
    errno.ENOENT: _missing,
    errno.ENOTDIR: _no_folder,
    errno.EISDIR: _folder,
    errno.EROFS: _read_only,
    errno.EEXIST: _in_the_way,
    errno.ENOSPC: _full,
}


def _whose(path: Path) -> str:
    try:
        found = path.stat()
    except OSError:
        return "whose it is cannot be seen"
    return f"mode {stat.S_IMODE(found.st_mode):04o}, of {user_name(found.st_uid)}"


def _mount_of(path: Path) -> Path:
    """The folder that the file system of *path* is mounted on."""
    path = Path(os.path.realpath(path))
    while path != path.parent and not os.path.ismount(path):
        path = path.parent
    return path

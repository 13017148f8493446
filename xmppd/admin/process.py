"""What twistd does to the process after the service is put together, tried before a word is said.

It changes the working folder, writes its pid file, and becomes another user; where that fails, it ends in a traceback,
or without a word.
"""

import grp
import os
import pwd
from collections.abc import Callable
from pathlib import Path

from xmppd.admin.rights import ROOT, User
from xmppd.admin.working_folder import CannotRun
from xmppd.config.obstacles import Obstacle, obstacle_to_writing, user_name


def run_folder(wanted: str) -> str:
    """Give the folder to run in: *wanted*, but ``/`` for a working folder that may not be entered.

    All our paths are absolute by then. Raises `CannotRun` for one that somebody has named.
    """
    try:
        os.stat(os.path.join(wanted, os.curdir))
    except OSError as error:
        if wanted == os.curdir:
            return os.sep
        found = Obstacle.of(Path(os.path.abspath(wanted), "entry"), error)
        raise CannotRun(
            f"--rundir={wanted} cannot be the working folder: {found.why}; {found.remedy}"
        ) from error
    return wanted


def check_pid_file(file: Path) -> None:
    """Raise `CannotRun` unless twistd can write its pid file."""
    other = "name another with --pidfile=FILE, or none with --pidfile="
    if os.path.isdir(file):
        raise CannotRun(f"the pid file {file} cannot be written: it is a folder; {other}")
    target = file if os.path.lexists(file) else file.parent
    obstacle = obstacle_to_writing(target)
    if obstacle is not None:
        raise CannotRun(f"the pid file {file} cannot be written: {obstacle.why}; {other}")


def user_to_serve(uid: int | None, gid: int | None) -> User | None:
    """Give the user that the process becomes; None where it stays who it is. `CannotRun` where it may not."""
    we = os.geteuid()
    if uid is None or uid == we:
        return None
    if we != ROOT:
        who = user_name(uid)
        raise CannotRun(
            f"only root can serve as the user {who}, and we are {user_name(we)}: start it as {who} without --uid"
        )
    return User.of(uid, gid)


def user_number(name: str) -> int:
    """Give the number of the user *name*; `ValueError` for one that there is not."""
    return _number(name, lambda: pwd.getpwnam(name).pw_uid, "user")


def group_number(name: str) -> int:
    """Give the number of the group *name*; `ValueError` for one that there is not."""
    return _number(name, lambda: grp.getgrnam(name).gr_gid, "group")


def _number(name: str, look_up: Callable[[], int], kind: str) -> int:
    if name.isascii() and name.isdigit():
        return int(name)
    try:
        return look_up()
    except KeyError:
        raise ValueError(f"there is no {kind} {name}") from None

"""Acting with the rights of another user for a while, where root does what that user will have to live with."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

ROOT = 0


@dataclass(frozen=True, slots=True)
class User:
    """A user of this machine, and the group to work in."""

    uid: int
    gid: int

    @classmethod
    def of(cls, uid: int, gid: int | None = None) -> Self:
        """Give the user *uid*, in its own group unless *gid* names another."""
        try:
            own = pwd.getpwuid(uid).pw_gid
        except KeyError:
            own = uid
        return cls(uid, own if gid is None else gid)

    @property
    def groups(self) -> list[int]:
        """All groups whose rights it has."""
        try:
            return os.getgrouplist(pwd.getpwuid(self.uid).pw_name, self.gid)
        except KeyError:
            return [self.gid]


def become(user: User) -> None:
    """Act as *user* from now on; for root only, and nothing for root itself."""
    if user.uid != ROOT:
        os.setgroups(user.groups)
        os.setegid(user.gid)
        os.seteuid(user.uid)


@contextmanager
def rights_of(user: User | None) -> Iterator[None]:
    """Act as *user*, and as before afterwards. Only root can; for anybody else, and for None, nothing changes.

    The effective user of the whole process changes: not for when several threads work.
    """
    if user is None or os.geteuid() != ROOT or user.uid == ROOT:
        yield
        return
    gid, groups = os.getegid(), os.getgroups()
    become(user)
    try:
        yield
    finally:
        os.seteuid(ROOT)
        os.setegid(gid)
        os.setgroups(groups)

"""The descriptors 0, 1 and 2, without which a process may have been started (``<&-``, ``>&-``).

The next file that is opened would take their numbers: an epoll that a daemon then puts /dev/null in place of, or a
database into which somebody prints.
"""

import os
import stat
import sys

_STREAMS = (("stdin", "r", "</dev/null"), ("stdout", "w", ">/dev/null"), ("stderr", "w", "2>/dev/null"))
"""By number: name, mode, and what a shell gives a program that shall have none."""


def open_standard_descriptors(program: str) -> None:
    """Open those that are closed on /dev/null; to be called before anything else is opened.

    SystemExit where another file has taken the number of one already.
    """
    for number, (name, mode, none) in enumerate(_STREAMS):
        if getattr(sys, f"__{name}__") is None:  # so Python says that it was closed
            if not _open_null(number):
                taken = f"{name} was closed, and another file has taken its number {number}"
                raise SystemExit(f"{program}: {taken}: start it with {none}")
            stream = os.fdopen(number, mode, closefd=False, errors="backslashreplace")
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def _open_null(number: int) -> bool:
    """Say whether the descriptor is on /dev/null now; there is one that is not ours where it is not."""
    null = os.open(os.devnull, os.O_RDWR)
    if null == number:
        os.set_inheritable(null, True)
        return True
    os.close(null)
    return _is_null(number)


def _is_null(number: int) -> bool:
    found, null = os.fstat(number), os.stat(os.devnull)
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == null.st_rdev

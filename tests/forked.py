"""xmppctl as a process of its own that need not load anything: a fork of this one runs it.

It has a folder, an environment and streams of its own, and what it makes of this process (locks, rights, a reactor that
runs once) goes with it. What a start of Python does before is tested in ``tests/admin/xmppctl/test_process.py``.
"""

import importlib
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess
from typing import IO, NoReturn

from xmppd.admin.xmppctl.app import main

PATIENCE_S = 60
_CRASHED = 70
LATE = ("backup.commands", "moving.giving", "moving.taking", "xmppctl.store", "check.machine")
"""What commands load only where they need it."""


def xmppctl(
    *words: object,
    folder: Path,
    typed: str = "",
    environment: Mapping[str, str] | None = None,
    output: IO[str] | None = None,
) -> "CompletedProcess[str]":
    """Run xmppctl with *words* in *folder*; *environment* is added to that of the tests. Waits until it has ended.

    It writes to *output*, if that is given. After PATIENCE_S it is killed, and the status is that of its signal.
    """
    _load()
    arguments = ["xmppctl", *map(str, words)]
    with (
        tempfile.TemporaryFile("w+") as stdin,
        tempfile.TemporaryFile("w+") as stdout,
        tempfile.TemporaryFile("w+") as stderr,
    ):
        stdin.write(typed)
        stdin.seek(0)
        pid = os.fork()
        if not pid:
            _run(arguments, folder, environment or {}, (stdin, output or stdout, stderr))
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        stdout.seek(0)
        stderr.seek(0)
        return CompletedProcess(arguments, status, stdout.read(), stderr.read())


@cache
def _load() -> None:
    """Have for each fork what it may need."""
    for name in LATE:
        importlib.import_module(f"xmppd.admin.{name}")


def _run(
    arguments: list[str], folder: Path, environment: Mapping[str, str], files: tuple[IO[str], ...]
) -> NoReturn:
    """Become xmppctl: nothing of the tests is done behind it, whatever happens."""
    status = _CRASHED
    try:
        signal.alarm(PATIENCE_S)
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(number, mode, closefd=False) for number, mode in enumerate(("r", "w", "w"))
        )
        sys.argv[:] = arguments
        os.chdir(folder)
        os.environ.update(environment)
        main()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else _said(end)
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _said(end: SystemExit) -> int:
    """Give the status of an end with words, as Python does."""
    if end.code is not None:
        print(end.code, file=sys.stderr)
    return 0 if end.code is None else 1

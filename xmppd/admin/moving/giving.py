"""``xmppctl export``: accounts and rooms as XEP-0227, of a stopped server or of one that runs."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from xmppd.admin.control.wire import ControlError
from xmppd.admin.moving.data import as_it_is, load_config
from xmppd.config.obstacles import Obstacle
from xmppd.moving.exporting import StoredSource
from xmppd.moving.importing import PROGRESS_EVERY, Progress
from xmppd.moving.model import NotCarried, Piece
from xmppd.moving.pie.writing import write
from xmppd.moving.report import Report
from xmppd.stanza.jid import JID, InvalidJID
from xmppd.storage.interface import StorageError

_MODE: Final = 0o600
STDOUT: Final = "-"


def give(
    target: str,
    config_file: Path | None,
    env: Mapping[str, str],
    hosts: Sequence[str],
    user: str | None,
    output: BinaryIO,
    on_progress: Progress,
) -> Report:
    """Export all, or *hosts*, or one *user*, to the file *target*, or to *output* for "-"; `ControlError`."""
    config = load_config(config_file, env)
    jid = None if user is None else _address(user)
    try:
        beside = None if target == STDOUT else Path(target).parent
        with as_it_is(config, "an export", beside) as storage:
            source = StoredSource(storage, frozenset(hosts) or None, jid)
            _check(source, hosts, user)
            report = Report()
            with _written(target, output) as file:
                write(_counted(source, report, on_progress), file)
            return report
    except StorageError as error:
        raise ControlError("storage-failed", str(error)) from error
    except OSError as error:
        raise ControlError(
            "cannot-write", f"{target} cannot be written: {Obstacle.of(Path(target), error).why}"
        ) from error


def _address(user: str) -> JID:
    try:
        jid = JID.parse(user)
    except InvalidJID as error:
        raise ControlError("bad-arguments", f"--user {user}: {error}") from error
    if jid.localpart is None:
        raise ControlError("bad-arguments", f"--user {user}: write NAME@HOST")
    return jid


def _check(source: StoredSource, hosts: Sequence[str], user: str | None) -> None:
    for host in hosts:
        if host not in source.domains:
            known = ", ".join(sorted(source.domains)) or "none"
            raise ControlError(
                "no-such-host", f"--host {host}: there are no data of it; domains with data: {known}"
            )
    if user is not None and not source.total:
        raise ControlError("no-such-account", f"there is no account {user}")


@contextmanager
def _written(target: str, output: BinaryIO) -> Iterator[BinaryIO]:
    """A file that is there only when it is whole, readable by us alone: keys of passwords are in it."""
    if target == STDOUT:
        yield output
        return
    path = Path(target)
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _counted(source: StoredSource, report: Report, on_progress: Progress) -> Iterator[Piece]:
    for number, piece in enumerate(source.pieces()):
        if number % PROGRESS_EVERY == 0:
            on_progress(source.done, source.total)
        if isinstance(piece, NotCarried):
            report.leave(piece)
        else:
            report.carried[type(piece)] += 1
        yield piece

"""Many accounts from a file: read it whole, then hand it over in batches with a progress bar."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, NamedTuple, TypedDict

from xmppd.admin.control.answers import Imported, NotAdded
from xmppd.admin.control.client import Connection
from xmppd.admin.control.wire import ControlError, Progress
from xmppd.admin.xmppctl.progress import Advance, progress_bar
from xmppd.core.operations.declaring import Args

BATCH = 250
"""Accounts in one request."""
MAX_BATCH_CHARACTERS = 65_536
"""And this at most, so that the request fits even if JSON makes twelve bytes of each character."""
MAX_LINE_BYTES = 4_096
MAX_FILE_BYTES = 256 << 20
_SHOWN_MISTAKES = 10
_OF_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_LOOKED_AT = 4_096
_RIGHT = "write it as user TAB password"
_HEADINGS = (
    "user",
    "username",
    "user name",
    "name",
    "login",
    "jid",
    "account",
    "address",
    "password",
    "pass",
    "passwd",
)


class User(NamedTuple):
    """A line of the file."""

    line: int
    name: str
    password: str


class FailedLine(TypedDict):
    """A line of the file that was not added."""

    line: int
    user: str
    id: str
    message: str


@dataclass
class ImportReport:
    """What came of an import."""

    added: int = 0
    seconds: float = 0.0
    failed: list[FailedLine] = field(default_factory=list)
    """For each line that was not added: line, user, id, message."""

    @property
    def per_second(self) -> int:
        """How many accounts were added a second."""
        return round(self.added / self.seconds) if self.seconds else self.added

    def to_dict(self) -> dict[str, object]:
        """Give the fields by name, for JSON."""
        seconds = round(self.seconds, 3)
        return {"added": self.added, "seconds": seconds, "per_second": self.per_second, "failed": self.failed}


def read_whole(file: BinaryIO) -> bytes:
    """Give what is in *file*; `ControlError` ``bad-file`` where that has no end, or might as well have none."""
    data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        why = f"it has more than {MAX_FILE_BYTES >> 20} MiB: split it; nothing was imported"
        raise ControlError("bad-file", f"{getattr(file, 'name', '-')}: {why}")
    return data


def read_users(data: bytes, filename: str) -> list[User]:
    """Read the lines of an import file; `ControlError` ``bad-file`` with all lines that are wrong.

    Empty lines are passed over.
    """
    users: list[User] = []
    mistakes: list[str] = []
    if data.startswith(_OF_UTF_16) or b"\0" in data[:_LOOKED_AT]:
        kind = "the file is UTF-16, or no text at all; save it in the encoding UTF-8; nothing was imported"
        raise ControlError("bad-file", f"{filename}: {kind}")
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        line = line.removesuffix(b"\r")
        if not line:
            continue
        why = _mistake_in(line, is_first=not users and not mistakes)
        if why is not None:
            mistakes.append(f"{filename}:{number}: {why}")
            continue
        name, _, password = line.decode().partition("\t")
        users.append(User(number, name.strip(), password))
    if mistakes:
        more = len(mistakes) - _SHOWN_MISTAKES
        last = [f"and {more} more such lines"] if more > 0 else []
        raise ControlError(
            "bad-file", "\n".join([*mistakes[:_SHOWN_MISTAKES], *last, "nothing was imported"])
        )
    return users


def import_users(
    connection: Connection, users: list[User], host: str | None, hash_name: str | None = None
) -> ImportReport:
    """Hand the accounts over in batches, with a progress bar where somebody watches."""
    report = ImportReport()
    started = time.monotonic()
    with progress_bar("adding accounts") as advance:
        advance_to = partial(_advance, advance, len(users))
        done = 0
        for batch in _batches(users):
            result: Imported = connection.call(
                "user.import", _request(batch, host, hash_name), _shifted(advance_to, done)
            )
            report.added += result["added"]
            report.failed += [_failed(batch[failed["index"]], failed) for failed in result["failed"]]
            done += len(batch)
            advance_to(done)
    report.seconds = time.monotonic() - started
    return report


def _mistake_in(line: bytes, is_first: bool) -> str | None:
    if len(line) > MAX_LINE_BYTES:
        return f"the line is longer than {MAX_LINE_BYTES} bytes"
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return "the line is no UTF-8; save the file in that encoding"
    name, tab, password = text.partition("\t")
    if not tab:
        return f"there is no tab between user and password; {_RIGHT}"
    if not name.strip():
        return f"there is no user before the tab; {_RIGHT}"
    if "\t" in password:
        columns = text.count("\t") + 1
        return f"there are {columns} columns, and a password has no tab in it; remove all columns but user and password"
    if is_first and name.strip().lower() in _HEADINGS and password.strip().lower() in _HEADINGS:
        return "this is a heading and no account; remove the line"
    return None if password else f"there is no password behind the tab; {_RIGHT}"


def _batches(users: list[User]) -> Iterator[list[User]]:
    batch: list[User] = []
    size = 0
    for user in users:
        length = len(user.name) + len(user.password)
        if batch and (len(batch) >= BATCH or size + length > MAX_BATCH_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append(user)
        size += length
    if batch:
        yield batch


def _request(batch: list[User], host: str | None, hash_name: str | None) -> Args:
    args: Args = {"users": [[user.name, user.password] for user in batch]}
    named = {"host": host, "hash": hash_name}
    return {**args, **{name: value for name, value in named.items() if value is not None}}


def _advance(advance: Advance, total: int, done: int) -> None:
    advance(done, total)


def _shifted(advance_to: Callable[[int], None], before: int) -> Progress:
    """Count on from the batches before."""
    return lambda done: advance_to(before + done) if isinstance(done, int) else None


def _failed(user: User, failed: NotAdded) -> FailedLine:
    return {"line": user.line, "user": user.name, "id": failed["id"], "message": failed["message"]}

"""Whether the log beside a data file belongs to it.

A server that was killed leaves ``FILE-wal`` behind, with what is not in the file yet. Where somebody has put a copy of
other days in the place of the file, SQLite would mix the two: the restore is undone, or the file damaged, without a
word. The log does not name its file, so this is seen by what a server can have left: it writes the file only when it
copies pages of the log into it. A file that was changed after its log, and has not those pages, is another one.

The formats are those of https://www.sqlite.org/walformat.html.
"""

import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MAGIC = (0x377F0682, 0x377F0683)
_LOG_HEADER = struct.Struct(">IIII8s8s")
_FRAME_HEADER = struct.Struct(">II8s8s")
_INDEX = struct.Struct("=16xI12x8s8x48xI28xI")
"""Of ``FILE-shm``: the last frame, the salts, how many frames are in the file, how many somebody began to copy."""
_BIG_PAGE = 65_536
_UNTOUCHED_S = 2.0
"""A log whose inode is changed so soon after its content has been left alone since: not copied, given away, renamed."""
_UNSYNCED_S = 60.0
"""A power cut may lose so much of the times of files."""


def foreign_log(file: Path) -> str | None:
    """Say why the log beside *file* belongs to another; None where it may be its own. Of a server that does not run.

    May read the file and its log; changes nothing. Raises OSError.
    """
    log = Path(f"{file}-wal")
    try:
        found, of_log = file.stat(), log.stat()
    except FileNotFoundError:
        return None
    if not found.st_size or of_log.st_size <= _LOG_HEADER.size or not _is_newer(found, of_log):
        return None
    if _may_have_been_copied(file, log):
        return None
    return f"it was changed after a killed server had written {log.name}: file and log do not belong together"


def remedy_for(file: Path) -> str:
    """Say what to do about it."""
    return (
        f"if you have put a copy there, remove the rest of the old one: rm {file}-wal {file}-shm; "
        f"if the file is the old one, say so: touch {file}-wal"
    )


def _is_newer(found: os.stat_result, of_log: os.stat_result) -> bool:
    """By its content; or alone by its place, rights or name, as ``mv`` and ``cp -p`` do."""
    booted_at = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    slack_s = 0.0 if of_log.st_mtime > booted_at else _UNSYNCED_S
    if found.st_mtime > of_log.st_mtime + slack_s:
        return True
    is_alone = of_log.st_ctime - of_log.st_mtime < _UNTOUCHED_S
    return is_alone and found.st_ctime > of_log.st_ctime + slack_s


@dataclass(frozen=True, slots=True)
class _Index:
    """What ``FILE-shm`` says of the log."""

    in_file: int
    """So many frames are in the file."""
    begun: int
    """So many were to be copied when the last copying began."""


def _may_have_been_copied(file: Path, log: Path) -> bool:
    """Whether the file has the pages of the log that copying would have brought into it."""
    data = log.read_bytes()
    magic, _, page_bytes, _, salts, _ = _LOG_HEADER.unpack_from(data)
    if magic not in _MAGIC:
        return True  # SQLite does not read it, either
    index = _read_index(Path(f"{file}-shm"), salts)
    if index is not None and index.begun > index.in_file:
        return True  # it was being copied: some pages are in the file, and nobody knows which
    pages = _pages(
        data, _BIG_PAGE if page_bytes == 1 else page_bytes, salts, None if index is None else index.in_file
    )
    are_in_file = list(_are_in(file, pages))
    if index is not None:
        return bool(are_in_file) and all(are_in_file)
    # pages are copied in their order: those that are in the file come before those that are not
    return not are_in_file or (are_in_file[0] and are_in_file == sorted(are_in_file, reverse=True))


def _read_index(file: Path, salts: bytes) -> _Index | None:
    """None where it is not there, or of another log."""
    try:
        _, of_index, in_file, begun = _INDEX.unpack_from(file.read_bytes())
    except (OSError, struct.error):
        return None
    return _Index(in_file, begun) if of_index == salts else None


def _pages(data: bytes, page_bytes: int, salts: bytes, frames: int | None) -> dict[int, bytes]:
    """The newest content of each page in the first *frames* frames, of those that were committed."""
    committed: dict[int, bytes] = {}
    begun: dict[int, bytes] = {}
    for number, page, is_commit, content in _frames(data, page_bytes, salts):
        if frames is not None and number >= frames:
            break
        begun[page] = content
        if is_commit:
            committed.update(begun)
            begun = {}
    return committed


def _frames(data: bytes, page_bytes: int, salts: bytes) -> Iterator[tuple[int, int, bool, bytes]]:
    size = _FRAME_HEADER.size + page_bytes
    for number, at in enumerate(range(_LOG_HEADER.size, len(data) - size + 1, size)):
        page, pages_after, of_frame, _ = _FRAME_HEADER.unpack_from(data, at)
        if of_frame != salts:
            return
        yield number, page, pages_after > 0, data[at + _FRAME_HEADER.size : at + size]


def _are_in(file: Path, pages: dict[int, bytes]) -> Iterator[bool]:
    with file.open("rb") as stream:
        for number, content in sorted(pages.items()):
            stream.seek((number - 1) * len(content))
            yield stream.read(len(content)) == content

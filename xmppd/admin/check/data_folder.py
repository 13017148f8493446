"""``data.*``: whether the data folder is there or can be made, is ours alone, has room, and a data file that fits."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from xmppd.admin.check.subject import Subject
from xmppd.admin.control.path import SOCKET_NAME
from xmppd.admin.folder import SECRET_BYTES, SECRET_NAME
from xmppd.config.findings import Finding, Severity
from xmppd.config.obstacles import Obstacle, obstacle_to_reading, obstacle_to_writing, user_name
from xmppd.net.tls.options import SELF_MADE_FOLDER
from xmppd.storage.lock import LOCK_NAME
from xmppd.storage.sqlite.damage import damage
from xmppd.storage.sqlite.foreign_log import foreign_log, remedy_for
from xmppd.storage.sqlite.header import NEWEST, read_header
from xmppd.storage.sqlite.hosts import accounts_by_host, lacking_by_host

MB = 1_000_000
LOW_BYTES = 100 * MB
OUT_BYTES = 10 * MB
LOW_INODES, OUT_INODES = 1_000, 10
OTHERS = stat.S_IRWXG | stat.S_IRWXO
ROOT = 0

_NOT_OURS = "data.owner"
_CLOSED = (_NOT_OURS, "data.not-a-folder", "data.not-writable", "data.unreachable")
"""Findings of a folder behind which nothing else is to be found out."""

_OURS = (
    (SECRET_NAME, stat.S_ISREG, "file"),
    (LOCK_NAME, stat.S_ISREG, "file"),
    (SELF_MADE_FOLDER, stat.S_ISDIR, "folder"),
    (SOCKET_NAME, stat.S_ISSOCK, "socket"),
)
"""Names in the data folder, and what they must be."""

_Report = Callable[[str, Severity, str, str], Finding]


def check_data_folder(subject: Subject) -> Iterator[Finding]:
    """Look at the folder, its owner, mode, files and disk, and at a database that lies elsewhere."""
    config = subject.config
    found = list(_folder(subject, config.data_dir, ("data_dir",), "the data folder"))
    yield from found
    if any(finding.id in _CLOSED for finding in found):
        return
    yield from _kinds(config.data_dir)
    yield from _secret(subject, config.data_dir / SECRET_NAME)
    file = config.storage_file
    if file is None:
        return
    if file.parent != config.data_dir:
        yield from _folder(subject, file.parent, ("storage", "url"), "the folder of the database")
    yield from _file(subject, file)


def _folder(subject: Subject, folder: Path, path: tuple[str, ...], called: str) -> Iterator[Finding]:
    source = subject.config.source
    place = source.place(path) if source.has(path) else str(folder)

    def report(identifier: str, severity: Severity, why: str, remedy: str) -> Finding:
        return Finding(identifier, severity, place, f"{called} {folder}", why, remedy)

    try:
        found = folder.stat()
    except FileNotFoundError:
        if path == ("data_dir",):
            yield from _absent(subject, folder, report)
        else:
            yield report(
                "data.no-folder", "error", "it is not there", "make it, or name a file in another one"
            )
        return
    except OSError as problem:
        yield _unreachable(folder, problem, report)
        return
    if not stat.S_ISDIR(found.st_mode):
        why, remedy = "it is a file and no folder", "move the file away, or set another data_dir"
        yield report("data.not-a-folder", "error", why, remedy)
        return
    owner = list(_owner(subject, folder, found, report))
    yield from owner
    if any(finding.id == _NOT_OURS for finding in owner):
        return
    if path == ("data_dir",) and found.st_mode & OTHERS:
        mode = f"{stat.S_IMODE(found.st_mode):04o}"
        why = f"others can look into it (mode {mode}), and it holds passwords and messages"
        yield report("data.mode", "error", why, f"chmod 700 {folder}")
    obstacle = subject.machine.obstacle_to_using(folder)
    if obstacle is not None:
        yield report("data.not-writable", "error", obstacle.why, _remedy(obstacle, folder))
    yield from _space(subject, folder, report)


def _file(subject: Subject, file: Path) -> Iterator[Finding]:
    source, path = subject.config.source, ("storage", "url")
    place, called = source.place(path) if source.has(path) else str(file), f"the data file {file}"
    try:
        header = read_header(file)
    except FileNotFoundError:
        if subject.machine.is_running(subject.config.data_dir):
            why, remedy = (
                "it is gone, while a server runs that has it open",
                "put it back, or stop the server",
            )
            yield Finding("data.gone", "error", place, called, why, remedy)
        return  # else it is made at the first start
    except NotADirectoryError:
        return  # told of the folder
    except OSError as problem:
        yield _unreachable(
            file, problem, lambda *words: Finding(words[0], words[1], place, called, *words[2:])
        )
        return
    obstacle = obstacle_to_writing(file)
    if obstacle is not None:
        yield Finding("data.not-writable", "error", place, called, obstacle.why, obstacle.remedy)
    if not header.is_ours:
        why, remedy = "it is no data file of xmppd", "move it away, or name another file in storage.url"
        yield Finding("data.not-ours", "error", place, called, why, remedy)
    elif header.version > NEWEST:
        why = f"it has version {header.version}, this program knows {NEWEST}"
        yield Finding("data.too-new", "error", place, called, why, "use a newer xmppd")
    elif not subject.machine.is_running(subject.config.data_dir) and (foreign := foreign_log(file)):
        yield Finding("data.foreign-log", "error", place, called, foreign, remedy_for(file))
    else:
        yield from _left_over(subject, file)
        yield from _few_hashes(subject, file)
        found = damage(file)
        if found:
            remedy = (
                f"put a copy in its place and remove {file}-wal and {file}-shm, or save what can be read: "
            )
            remedy += f"sqlite3 {file} .recover"
            yield Finding("data.damaged", "error", place, called, found, remedy)


def _left_over(subject: Subject, file: Path) -> Iterator[Finding]:
    """Accounts of domains that are not served: nobody can log in to them, and nobody sees them."""
    for host, accounts in sorted(accounts_by_host(file).items()):
        if host not in subject.config.hosts and ("hosts", host) not in subject.config.disabled:
            why = f"there are accounts of it ({accounts:,}), and it is not served"
            remedy = (
                f'serve [hosts."{host}"], or xmppctl host rename {host} NEW, or xmppctl host purge {host}'
            )
            yield Finding("data.host-not-served", "warning", str(file), f'host "{host}"', why, remedy)


def _few_hashes(subject: Subject, file: Path) -> Iterator[Finding]:
    """Accounts that came from elsewhere with the keys of one hash keep their host from offering the others."""
    for host, (accounts, name) in sorted(lacking_by_host(file).items()):
        if host in subject.config.hosts:
            why = f"accounts without keys for all hashes ({accounts:,}) keep it from offering the others to anybody"
            remedy = "they get them at a login with PLAIN or an upgrade; where nobody logs in any more, "
            remedy += f"xmppctl user passwd {name}@{host} or xmppctl user del {name}@{host}"
            yield Finding("data.few-hashes", "note", str(file), f'host "{host}"', why, remedy)


def _kinds(folder: Path) -> Iterator[Finding]:
    """What bears a name of ours must be what we would make; of what is another user's it is told that it is."""
    for name, is_right, kind in _OURS:
        path = folder / name
        if not os.path.lexists(path):
            continue
        found = path.lstat()
        if found.st_uid == folder.stat().st_uid and not is_right(found.st_mode):
            why, remedy = f"it is no {kind}", "move it away, and the server makes its own"
            yield Finding("data.wrong-kind", "error", str(path), f"{name} in the data folder", why, remedy)


def _secret(subject: Subject, file: Path) -> Iterator[Finding]:
    if not file.is_file():  # it is made at the first start, or told of already
        return
    what, obstacle = "the secret of the data folder", obstacle_to_reading(file)
    if obstacle is not None:
        yield Finding("data.secret", "error", str(file), what, obstacle.why, obstacle.remedy)
    elif file.stat().st_size < SECRET_BYTES:
        why, remedy = "it is cut short", "remove it, and a new one is made"
        yield Finding("data.secret", "error", str(file), what, why, remedy)


def _absent(subject: Subject, folder: Path, report: _Report) -> Iterator[Finding]:
    """It will be made at the first start, where that can be done."""
    parent = next((above for above in folder.parents if os.path.lexists(above)), Path("/"))
    if not parent.is_dir():
        why, remedy = f"it cannot be made, since {parent} is no folder", "set another data_dir"
        yield report("data.cannot-create", "error", why, remedy)
    elif (obstacle := subject.machine.obstacle_to_using(parent)) is not None:
        why = f"it is not there and cannot be made: {obstacle.why}"
        remedy = obstacle.remedy
        if obstacle.is_of_rights:
            remedy = f"make it for the server's user: install -d -m 700 -o USER {folder}"
        yield report("data.cannot-create", "error", why, remedy)
    else:
        yield from _space(subject, parent, report)


def _unreachable(path: Path, problem: OSError, report: _Report) -> Finding:
    why = Obstacle.of(path, problem).why
    return report("data.unreachable", "error", why, "set another data_dir, or mend it")


def _remedy(obstacle: Obstacle, folder: Path) -> str:
    """Rights are a matter of chown only where it is the folder's own that are missing."""
    if obstacle.is_of_rights and obstacle.at == folder:
        return f"give it to the server's user: chown -R USER {folder}"
    return obstacle.remedy


def _owner(subject: Subject, folder: Path, found: os.stat_result, report: _Report) -> Iterator[Finding]:
    """The folder is ours, and what is in it is its owner's; root looks at it for its owner."""
    uid = subject.machine.uid
    if uid not in (ROOT, found.st_uid):
        why = f"it belongs to the user {user_name(found.st_uid)} and we are {user_name(uid)}"
        yield report(_NOT_OURS, "error", why, f"run as that user, or chown -R {uid} {folder}")
        return
    try:
        below = folder.rglob("*") if folder == subject.config.data_dir else folder.iterdir()
        foreign = sorted(
            str(each.relative_to(folder)) for each in below if each.lstat().st_uid != found.st_uid
        )
    except OSError as problem:
        yield _unreachable(folder, problem, report)
        return
    if foreign:
        why = f"{foreign[0]} in it belongs to another user (was the server run as root once?)"
        yield report("data.foreign-file", "error", why, f"chown -R {found.st_uid} {folder}")


def _space(subject: Subject, folder: Path, report: _Report) -> Iterator[Finding]:
    try:
        free, inodes = subject.machine.free_bytes(folder), subject.machine.free_inodes(folder)
    except OSError as problem:
        yield _unreachable(folder, problem, report)
        return
    why, remedy = f"{free / MB:.1f} MB are free on its disk", "make room, or move the folder"
    if free < OUT_BYTES:
        yield report("data.no-space", "error", why, remedy)
    elif free < LOW_BYTES:
        yield report("data.low-space", "warning", why, remedy)
    if inodes is not None and inodes < LOW_INODES:
        why, remedy = (
            f"only {inodes:,} more files can be made on its disk",
            "remove files, or move the folder",
        )
        yield report("data.no-inodes", "error" if inodes < OUT_INODES else "warning", why, remedy)

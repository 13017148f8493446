"""The files of Converse, from its release on npm into the data folder: checked by their hash, whole or not at all."""

import base64
import gzip
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Final

from xmppd.core.web import CHAT_FOLDER
from xmppd.core.web import CHAT_SCRIPT as SCRIPT
from xmppd.net.http.folders import COMPRESSED

PACKAGE: Final = "converse.js"
VERSION: Final = "14.0.0"
INTEGRITY: Final = "LFUg030jDalV47vI/vyVPqYPZfJYXFbubq8v0cFDe2zXNeeGEk3Up0Fj/WTzT6t+6do+cAIToy73eAj7RNDj2Q=="
"""SHA-512 of the release, as the registry tells it."""
LICENSE: Final = "MPL-2.0"
_INSIDE: Final = "package/dist/"
_LEFT_OUT: Final = (".map", "converse.js", "converse.css", "website.css", "website.min.css")
_WORTH_COMPRESSING: Final = (".js", ".css", ".svg", ".json")
_LEVEL: Final = 9
_PATIENCE_S: Final = 300


class CannotInstall(Exception):
    """The web client cannot be installed; the text says why, in one line."""


def install(data_dir: Path, archive: Path | None = None) -> Path:
    """Put the released files into the data folder; gives where. `CannotInstall`, and then nothing has changed.

    *archive* is the release (``converse.js-VERSION.tgz``); without it npm fetches it.
    """
    with tempfile.TemporaryDirectory(prefix="xmppd-web-") as name:
        scratch = Path(name)
        release = _fetch(scratch) if archive is None else archive
        _check(release)
        unpacked = scratch / "unpacked"
        _unpack(release, unpacked)
        return _put(unpacked, data_dir / CHAT_FOLDER)


def installed_version(data_dir: Path) -> str | None:
    """Give the version whose files are there; None without any."""
    file = data_dir / CHAT_FOLDER / "VERSION"
    return file.read_text().strip() if file.is_file() else None


def _fetch(scratch: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise CannotInstall(
            f"npm is not there to fetch {PACKAGE} {VERSION}: install it, or name the file with --from"
        )
    command = [npm, "pack", "--silent", "--ignore-scripts", f"{PACKAGE}@{VERSION}"]
    try:
        done = subprocess.run(
            command, cwd=scratch, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotInstall(f"npm does not fetch {PACKAGE} {VERSION}: {error}") from error
    found = next(iter(scratch.glob("*.tgz")), None)
    if done.returncode or found is None:
        why = (done.stderr.strip().splitlines() or ["it gave no file"])[-1]
        raise CannotInstall(f"npm does not fetch {PACKAGE} {VERSION}: {why}")
    return found


def _check(release: Path) -> None:
    try:
        digest = hashlib.sha512(release.read_bytes()).digest()
    except OSError as error:
        raise CannotInstall(f"{release} cannot be read: {error.strerror}") from error
    if base64.b64encode(digest).decode() != INTEGRITY:
        raise CannotInstall(f"{release.name} is not the release {PACKAGE} {VERSION}: its hash is another one")


def _unpack(release: Path, folder: Path) -> None:
    with tarfile.open(release) as archive:
        for member in archive:
            name = member.name.removeprefix(_INSIDE)
            if not member.isreg() or name == member.name or name.endswith(_LEFT_OUT[0]) or name in _LEFT_OUT:
                continue
            source = archive.extractfile(member)
            target = (folder / name).resolve()
            if source is None or not target.is_relative_to(folder.resolve()):
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            data = source.read()
            target.write_bytes(data)
            if target.suffix in _WORTH_COMPRESSING:
                target.with_name(target.name + COMPRESSED).write_bytes(gzip.compress(data, _LEVEL, mtime=0))
    if not (folder / SCRIPT).is_file():
        raise CannotInstall(f"{release.name} has no {SCRIPT}")
    (folder / "VERSION").write_text(f"{VERSION}\n")


def _put(unpacked: Path, folder: Path) -> Path:
    """Exchange the folder for the new one, by renaming."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh, old = folder.with_name(f"{folder.name}.new"), folder.with_name(f"{folder.name}.old")
        for left in (fresh, old):
            shutil.rmtree(left, ignore_errors=True)
        shutil.copytree(unpacked, fresh)
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise CannotInstall(f"{folder} cannot be written: {error.strerror or error}") from error
    return folder

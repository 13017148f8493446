"""What is wrong with secrets that are shared with other programs, in the configuration or in files of their own."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from xmppd.config.fields import SecretStr
from xmppd.config.findings import Finding
from xmppd.config.lines import Path as KeyPath
from xmppd.config.model import Config
from xmppd.config.schema import dotted

SHORT_BYTES: Final = 16
"""A secret that is shorter can be found by trying, by whoever has heard something that was made of it."""
_LONG: Final = "take a long random text, such as `openssl rand -hex 20` gives"


def check_secret(
    config: Config, table: KeyPath, secret: SecretStr | None, secret_file: Path | None
) -> Iterator[Finding]:
    """Look at what stands as ``secret`` or ``secret_file`` in *table*."""
    if secret is not None:
        path = (*table, "secret")
        place = config.source.place(path)
        yield from _weak(secret.get_secret_value().encode(), place, dotted(path))
        if config.file is not None:
            remedy = ", or put the secret into a file of its own (secret_file)"
            yield from _open_to_others(config.file, place, f"{dotted(path)} in {config.file}", remedy)
    if secret_file is not None:
        yield from _in_file(config, (*table, "secret_file"), secret_file)


def _in_file(config: Config, path: KeyPath, file: Path) -> Iterator[Finding]:
    what, place = f"{dotted(path)} ({file})", config.source.place(path)
    try:
        secret = file.read_bytes().partition(b"\n")[0].strip()
    except OSError as problem:
        why = problem.strerror or str(problem)
        remedy = "name the right file, and let the server's user read it"
        yield Finding("config.secret-unreadable", "error", place, what, why[:1].lower() + why[1:], remedy)
        return
    if not secret:
        why, remedy = "its first line is empty", "write the secret there, a long random text"
        yield Finding("config.secret-empty", "error", place, what, why, remedy)
        return
    yield from _weak(secret, place, what)
    yield from _open_to_others(file, place, what)


def _weak(secret: bytes, place: str, what: str) -> Iterator[Finding]:
    if len(secret) < SHORT_BYTES:
        why = f"it is shorter than {SHORT_BYTES} bytes, and whoever has heard what is made of it can find it by trying"
        yield Finding("config.weak-secret", "warning", place, what, why, _LONG)


def _open_to_others(file: Path, place: str, what: str, more: str = "") -> Iterator[Finding]:
    try:
        mode = os.stat(file).st_mode
    except OSError:
        return
    if mode & stat.S_IROTH:
        why = f"every user of this machine can read it (mode {stat.S_IMODE(mode):04o}), and so pass for who knows it"
        yield Finding("config.secret-readable", "warning", place, what, why, f"chmod o-rwx {file}{more}")

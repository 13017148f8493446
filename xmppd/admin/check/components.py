"""What is wrong with components: their secrets above all, with which anybody is the service."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from xmppd.admin.check.subject import Subject
from xmppd.config.findings import Finding
from xmppd.config.lines import Path as KeyPath
from xmppd.config.options import HostSettings
from xmppd.config.schema import dotted

SHORT_BYTES: Final = 16
"""A secret that is shorter can be found by trying: whoever hears one handshake needs no connection to try."""
_LONG: Final = "take a long random text, such as `openssl rand -hex 20` gives"


def check_components(subject: Subject) -> Iterator[Finding]:
    """Look at the secrets of programs that connect."""
    for component in subject.config.components.values():
        yield from _secret(subject, component)
        yield from _secret_file(subject, component)


def _secret(subject: Subject, component: HostSettings) -> Iterator[Finding]:
    if component.secret is None:
        return
    config = subject.config
    path = (*config.table_of(component.name), "secret")
    place = config.source.place(path)
    yield from _weak(component.secret.get_secret_value().encode(), place, dotted(path))
    if config.file is not None:
        yield from _open_to_others(config.file, place, f"{dotted(path)} in {config.file}")


def _secret_file(subject: Subject, component: HostSettings) -> Iterator[Finding]:
    file, config = component.secret_file, subject.config
    if file is None:
        return
    path: KeyPath = (*config.table_of(component.name), "secret_file")
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
        why = (
            f"it is shorter than {SHORT_BYTES} bytes, and whoever has heard a handshake can find it by trying"
        )
        yield Finding("config.weak-secret", "warning", place, what, why, _LONG)


def _open_to_others(file: Path, place: str, what: str) -> Iterator[Finding]:
    try:
        mode = os.stat(file).st_mode
    except OSError:
        return
    if mode & stat.S_IROTH:
        why = f"every user of this machine can read it (mode {stat.S_IMODE(mode):04o}), and so be the service"
        remedy = f"chmod o-rwx {file}"
        if what.startswith("components.") and not what.endswith(")"):
            remedy += ", or put the secret into a file of its own (secret_file)"
        yield Finding("config.secret-readable", "warning", place, what, why, remedy)

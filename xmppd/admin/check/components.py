"""What is wrong with components, or has no effect yet."""

import os
from collections.abc import Iterator

from xmppd.admin.check.subject import Subject
from xmppd.admin.not_served import not_served
from xmppd.config.findings import Finding
from xmppd.config.options import HostSettings
from xmppd.config.schema import dotted


def check_components(subject: Subject) -> Iterator[Finding]:
    """Look at the secrets of programs that shall connect, and say what this version does not serve."""
    for component in subject.config.components.values():
        yield from _secret_file(subject, component)
    yield from not_served(subject.config)


def _secret_file(subject: Subject, component: HostSettings) -> Iterator[Finding]:
    file, config = component.secret_file, subject.config
    if file is None:
        return
    path = (*config.table_of(component.name), "secret_file")
    what, place = f"{dotted(path)} ({file})", config.source.place(path)
    try:
        first = os.fsdecode(file.read_bytes()).partition("\n")[0].strip()
    except OSError as problem:
        why = problem.strerror or str(problem)
        remedy = "name the right file, and let the server's user read it"
        yield Finding("config.secret-unreadable", "error", place, what, why[:1].lower() + why[1:], remedy)
        return
    if not first:
        why, remedy = "its first line is empty", "write the secret there, a long random text"
        yield Finding("config.secret-empty", "error", place, what, why, remedy)

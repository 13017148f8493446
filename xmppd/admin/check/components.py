"""What is wrong with components, or has no effect yet."""

import os
from collections.abc import Iterator

from xmppd.admin.check.subject import Subject
from xmppd.config.findings import Finding
from xmppd.config.kinds import DomainKind
from xmppd.config.options import HostSettings
from xmppd.config.schema import dotted


def check_components(subject: Subject) -> Iterator[Finding]:
    """Look at the secrets of programs that shall connect, and say what this version does not serve."""
    config = subject.config
    for component in config.components.values():
        yield from _secret_file(subject, component)
        if component.kind is DomainKind.COMPONENT:
            # TODO: until there is a listener for them nobody shall wait for one
            why = "this version has no port for programs that connect as a service, so nobody answers there"
            remedy = "remove it, or leave it for a later version"
            place, what = (
                config.source.place(config.table_of(component.name)),
                f'component "{component.name}"',
            )
            yield Finding("config.no-effect", "warning", place, what, why, remedy)
        elif component.certificate is not None:
            path = (*config.table_of(component.name), "certificate")
            why = "no client connects to a service, and this version has no connections to other servers"
            remedy = "remove it, or leave it for a later version"
            yield Finding("config.no-effect", "warning", config.source.place(path), dotted(path), why, remedy)


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

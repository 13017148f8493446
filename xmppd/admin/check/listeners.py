"""``listener.*``: whether each address can be listened on, or is by our own server already."""

import errno
from collections.abc import Iterator

from xmppd.admin.check.subject import Subject
from xmppd.config.findings import Finding, Severity
from xmppd.config.section import Address
from xmppd.net.ports import KINDS

FIRST_FREE_PORT = 1024

_REASONS = {
    errno.EADDRINUSE: (
        "listener.in-use",
        "another program listens there",
        "stop that program (ss -tlnp shows it), or take another port",
    ),
    errno.EACCES: (
        "listener.not-permitted",
        f"ports below {FIRST_FREE_PORT} are for root",
        "take a higher port, or give the server CAP_NET_BIND_SERVICE, as the unit of `xmppctl config unit` does",
    ),
    errno.EADDRNOTAVAIL: (
        "listener.no-address",
        "this machine does not have the address",
        "take one that `ip address` shows, or 0.0.0.0 or [::] for all",
    ),
    errno.EAFNOSUPPORT: (
        "listener.no-address",
        "this machine does not speak this version of IP",
        "remove the address",
    ),
}
_MISSING_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def check_listeners(subject: Subject) -> Iterator[Finding]:
    """Try every address that the configuration names, or by default would be listened on."""
    for kind in KINDS:
        for index, address in enumerate(kind.listeners(subject.config)):
            try:
                subject.machine.try_to_bind(address)
            except OSError as problem:
                yield from _refusal(subject, (kind.section, kind.option, index), address, problem)


def _refusal(
    subject: Subject, path: tuple[str, str, int], address: Address, problem: OSError
) -> Iterator[Finding]:
    config = subject.config
    section, key, _ = path
    if problem.errno == errno.EADDRINUSE and subject.machine.is_running(config.data_dir):
        return
    is_default = not config.source.has((section, key))
    unknown = ("listener.failed", problem.strerror or str(problem), "take another address")
    identifier, why, remedy = _REASONS.get(problem.errno or 0, unknown)
    # by default the server goes on without an address that the machine has not
    severity: Severity = "warning" if is_default and problem.errno in _MISSING_ADDRESS else "error"
    what = f'"{address}" in {section}.{key}' + (" (by default)" if is_default else "")
    yield Finding(identifier, severity, config.source.place(path), what, why, remedy)

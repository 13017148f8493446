"""``tls.*``: what a stranger's client sees of the server that runs; nothing where none does."""

from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding

from xmppd.admin.check.certificates import certificate_of
from xmppd.admin.check.stranger import NoTLS
from xmppd.admin.check.subject import Subject
from xmppd.config.cross import is_public
from xmppd.config.findings import Finding
from xmppd.config.model import is_local
from xmppd.config.section import Address

MOST_HOSTS: Final = 20
"""A server of very many looks at the first ones."""


def check_tls(subject: Subject) -> Iterator[Finding]:
    """Connect to each host, where it listens for clients."""
    config = subject.config
    if not subject.machine.is_running(config.data_dir):
        return
    found = _listener(subject)
    if found is None:
        return
    for name in list(config.hosts)[:MOST_HOSTS]:
        yield from _host(subject, name, *found)


def _listener(subject: Subject) -> tuple[Address, str] | None:
    """Give an address, and the option that has it; None where there is none that is known before a start."""
    config = subject.config
    for option in ("listen", "direct_tls_listen"):
        for address in getattr(config.c2s, option):
            if address.port:
                return address, option
    return None


def _host(subject: Subject, name: str, address: Address, option: str) -> Iterator[Finding]:
    config, what = subject.config, f'"{name}" at {address}'
    place = config.source.place(("hosts", name))
    try:
        seen = subject.machine.look(address, name, option == "direct_tls_listen")
    except NoTLS as error:
        yield Finding("tls.not-offered", "error", place, what, str(error), "see the server's log")
        return
    except OSError as error:
        why = f"the server runs, and a client cannot connect: {error.strerror or error}"
        remedy = "restart the server if the listeners were changed; else see its log, and the firewall"
        yield Finding("tls.no-connection", "error", config.source.place(("c2s", option)), what, why, remedy)
        return
    wanted = certificate_of(subject, name)
    if wanted is not None and seen.certificate != wanted[1][0].public_bytes(Encoding.DER):
        why = f"clients see another certificate than the one in {wanted[0]}"
        remedy = "have the server read it: xmppctl reload"
        yield Finding("tls.not-in-force", "warning", place, what, why, remedy)
    elif seen.distrust and is_public(config) and not is_local(name):
        why = f"clients do not believe its certificate: {seen.distrust}"
        remedy = "get one from an authority that everybody believes, such as Let's Encrypt, with its chain"
        yield Finding("tls.not-trusted", "warning", place, what, why, remedy)

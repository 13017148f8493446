"""``relay.*``: whether what users are told of for calls (XEP-0215) answers, and lets them in: STUN and TURN servers.

Asks each as a client in a call does, with credentials as users get them; left out with ``--offline``.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final

from xmppd.admin.check.external_services import external_services
from xmppd.admin.check.stun import Refused, Server
from xmppd.admin.check.subject import Subject
from xmppd.config.findings import Finding, Severity
from xmppd.config.schema import dotted
from xmppd.core.outgoing import CannotResolve
from xmppd.modules.external_services import HOUR_S, OVER_TLS, PORTS, ExternalService, credentials

USER: Final = "xmppd-check"
_NO_ANSWER: Final = (
    "start it, open its port, or correct host, port and transport; or leave this check out with --offline"
)
_TOLD = tuple[str, Severity, str, str]
"""Identifier, severity, reason, remedy."""


def check_relays(subject: Subject) -> Iterator[Finding]:
    """Look at each service of these types that users are told of."""
    for table, service in external_services(subject):
        if service.type not in PORTS:
            continue
        place = subject.config.source.place((*table, "host"))
        what = f'{dotted(table)} ({service.type} at "{service.host}")'
        for identifier, severity, why, remedy in _looked_at(subject, service):
            yield Finding(identifier, severity, place, what, why, remedy)


def _looked_at(subject: Subject, service: ExternalService) -> Iterator[_TOLD]:
    is_tls = service.type in OVER_TLS
    server = Server(
        service.host.strip("[]"),
        service.port or PORTS[service.type],
        is_stream=is_tls or service.transport == "tcp",
        is_tls=is_tls,
    )
    try:
        if service.type.startswith("stun"):
            subject.machine.mapped(server)
        else:
            yield from _relay(subject, service, server)
    except OSError as error:
        yield (
            "relay.no-answer",
            "warning",
            f"users who call by it are not connected: {_words(error)}",
            _NO_ANSWER,
        )
    except Refused as error:
        yield "relay.refused", "warning", f"it answers {error}", "look into its log"


def _relay(subject: Subject, service: ExternalService, server: Server) -> Iterator[_TOLD]:
    shown = _credentials(subject, service)
    try:
        address = subject.machine.relayed(server, None)
    except Refused as error:
        if shown is None:
            remedy = "give it secret_file, or username and password"
            yield (
                "relay.no-credentials",
                "warning",
                f"it lets in nobody without credentials ({error})",
                remedy,
            )
            return
    else:
        remedy = (
            "have it ask for credentials (coturn: use-auth-secret), and write the secret here (secret_file)"
        )
        yield "relay.open", "warning", "it relays for anybody, so that others use it for attacks", remedy
        yield from _reached(subject, service, address)
        return
    try:
        yield from _reached(subject, service, subject.machine.relayed(server, shown))
    except Refused as error:
        remedy = (
            "write what it has itself (coturn: static-auth-secret, realm), and set the clocks of both right"
        )
        yield "relay.refused", "error", f"it refuses the credentials that users get: {error}", remedy


def _credentials(subject: Subject, service: ExternalService) -> tuple[str, str] | None:
    """As users get them; a secret that cannot be read is told elsewhere."""
    if service.username is not None and service.password is not None:
        return service.username, service.password.get_secret_value()
    try:
        secret = service.secret_bytes
    except OSError:
        return None
    ends_at = int(subject.machine.now().timestamp() + HOUR_S)
    return None if secret is None else credentials(secret, ends_at, USER)


def _reached(subject: Subject, service: ExternalService, relayed: str) -> Iterator[_TOLD]:
    """Whether others reach what it relays by: an address of a private network, behind a name that all reach."""
    try:
        own = subject.machine.addresses(service.host, subject.config.s2s.resolvers)
    except CannotResolve:
        return
    if any(ip_address(each).is_global for each in own) and not ip_address(relayed).is_global:
        remedy = "tell it the address that others see (coturn: external-ip)"
        yield (
            "relay.private-address",
            "warning",
            f"it relays at {relayed}, which nobody outside reaches",
            remedy,
        )


def _words(error: OSError) -> str:
    return error.strerror or str(error)

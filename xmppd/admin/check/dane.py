"""``dns.tlsa-mismatch``: whether what DNS says of our certificates (TLSA records, RFC 7673) is so.

The certificates are those of the configuration; whether the server that runs shows them is told by ``tls.*``. Whether
DNSSEC vouches for the records is left to those who look at them.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from cryptography import x509

from xmppd.admin.check.certificates import certificate_of
from xmppd.admin.check.subject import Subject
from xmppd.config.findings import Severity
from xmppd.core.outgoing import Service
from xmppd.net.tls.dane import Pinned, may_hold, record_of, usable
from xmppd.net.tls.names import covers

Told = tuple[str, Severity, str, str]
"""What a `Finding` has but for its place: identifier, severity, reason, remedy."""


def check_pins(
    subject: Subject, name: str, records: Iterable[Service], ports: Iterable[int]
) -> Iterator[Told]:
    """Look where the SRV *records* of the domain *name* lead, and at *ports* of itself that are tried without any.

    Raises `CannotResolve`.
    """
    places = [(each.target, each.port) for each in records if each.target]
    for host, port in dict.fromkeys([*places, *((name, port) for port in ports)]):
        pins = subject.machine.pins(host, port, subject.config.s2s.resolvers)
        shown = _shown(subject, name) if pins else None
        if shown is None or may_hold(shown[1], Pinned(name, host, usable(pins))):
            continue
        place = f"_{port}._tcp.{host}"
        why = (
            f"none of the TLSA records at {place} is of the certificate in {shown[0]}, "
            "so that whoever looks at them (DANE) does not connect"
        )
        remedy = f"publish {place} TLSA {record_of(shown[1][0])}, or use the certificate that they are of"
        yield "dns.tlsa-mismatch", "warning", why, remedy


def _shown(subject: Subject, name: str) -> tuple[Path, list[x509.Certificate]] | None:
    """The domain's own certificate, else another's that covers it, else the first (`CertificateStore.find`)."""
    own = certificate_of(subject, name)
    if own is not None or name in subject.config.hosts:
        return own
    all_here = (certificate_of(subject, each.name) for each in subject.config.domains)
    others = [each for each in all_here if each is not None]
    return next((each for each in others if covers(each[1][0], name, ())), others[0] if others else None)

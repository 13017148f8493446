"""What is wrong with a certificate that can be read: its dates, its names, and the issuers that come with it.

Said by ``check``, at a start, at a reload, and while the server runs: the same words everywhere.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from xmppd.config.findings import Finding, Severity
from xmppd.core.turns import StepsTo
from xmppd.net.tls.certificates import Certificate
from xmppd.net.tls.folder import twin_of
from xmppd.net.tls.names import covers, names_of

BUNDLES: Final = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pki/tls/certs/ca-bundle.crt"))
"""Where systems have the authorities that everybody believes, in one file."""

LOOKED_AT: Final = 400
"""The cost of looking at what a host shows (`xmppd.core.turns`)."""
KEPT: Final = 2_000
"""Of so many it is remembered who has issued whom, and what is for which host: that never changes, and a reload asks
about all."""

_SOON: Final[tuple[tuple[int, str, Severity, str], ...]] = (
    (1, "certificate.expires-within-a-day", "error", "within a day"),
    (7, "certificate.expires-within-a-week", "warning", "within a week"),
    (14, "certificate.expires-within-two-weeks", "warning", "within two weeks"),
    (30, "certificate.expires-within-a-month", "warning", "within a month"),
)


class Flaw(NamedTuple):
    """One thing that is wrong; the fields are those of a `Finding`."""

    id: str
    severity: Severity
    why: str
    remedy: str


def flaws_of(chain: Sequence[x509.Certificate], host: str, now: datetime) -> Iterator[Flaw]:
    """Look at the certificate of *host*, which comes first in *chain*, and at its issuers behind it."""
    yield from dates(chain[0], now)
    if not _is_for(chain[0], host):
        names = ", ".join(names_of(chain[0])) or "no name at all"
        why = f"it is for {names} and not for {host}"
        remedy = f"get one that has {host} among its alternative names"
        yield Flaw("certificate.name-not-covered", "error", why, remedy)
    yield from _issuers(chain, now)


def flaws_of_place(certificate: Path, host: str) -> Iterator[Flaw]:
    """Look at where the certificate of *host* lies: certbot renews both, and its hooks may know one of them."""
    old = twin_of(certificate, host)
    if old is not None:
        why = f"certbot has two certificates for it, and this lasts longer than {old}"
        remedy = f"look at `certbot certificates`, and remove the old one: certbot delete --cert-name {host}"
        yield Flaw("certificate.two-of-certbot", "warning", why, remedy)


def in_force(certificates: Mapping[str, Certificate], now: datetime) -> StepsTo[list[Finding]]:
    """Look at all that a server shows, host by host; what it makes itself is what it should be."""
    found: list[Finding] = []
    for host, shown in certificates.items():
        file = shown.files.certificate
        if not shown.files.is_self_made:
            flaws = (*flaws_of(shown.chain, host, now), *flaws_of_place(file, host))
            what = f"the certificate of {host}"
            found += [
                Finding(each.id, each.severity, str(file), what, each.why, each.remedy) for each in flaws
            ]
        yield LOOKED_AT
    return found


def dates(certificate: x509.Certificate, now: datetime) -> Iterator[Flaw]:
    """Look at its dates."""
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < begins:
        why = f"it is valid from {begins:%Y-%m-%d %H:%M} UTC only"
        yield Flaw("certificate.not-yet-valid", "error", why, "wait until then, or set the clock right")
    elif now >= ends:
        why = f"it was valid until {ends:%Y-%m-%d %H:%M} UTC"
        yield Flaw("certificate.expired", "error", why, "renew it, then xmppctl reload")
    else:
        for days, identifier, severity, words in _SOON:
            if ends - now < timedelta(days=days):
                why = f"it expires {words}, on {ends:%Y-%m-%d at %H:%M} UTC"
                yield Flaw(identifier, severity, why, "renew it, then xmppctl reload")
                return


def _issuers(chain: Sequence[x509.Certificate], now: datetime) -> Iterator[Flaw]:
    """RFC 8446 4.4.2: each certificate certifies the one before it; the authority itself may be left out."""
    for below, above in pairwise(chain):
        if not _certifies(above, below):
            why = f"what follows it in the file, {_name(above.subject)}, did not issue {_name(below.subject)}"
            remedy = f"put the certificate of {_name(below.issuer)} there, in the order of who issued whom"
            yield Flaw("certificate.wrong-issuer", "error", why, remedy)
            return
        if now >= above.not_valid_after_utc:
            why = f"its issuer {_name(above.subject)} in the file was valid until {above.not_valid_after_utc:%Y-%m-%d}"
            yield Flaw(
                "certificate.expired-issuer", "error", why, "take the chain that comes with a new certificate"
            )
            return
    last = chain[-1]
    if (
        _certifies(last, last)
        or not authorities()
        or any(_certifies(each, last) for each in authorities().get(last.issuer, ()))
    ):
        return
    why = f"its issuer {_name(last.issuer)} is neither in the file nor among the authorities of this system"
    remedy = "append the certificates of the issuers (fullchain.pem of certbot has them), or many clients refuse it"
    yield Flaw("certificate.no-issuer", "warning", why, remedy)


@lru_cache(maxsize=KEPT)
def _is_for(certificate: x509.Certificate, host: str) -> bool:
    return covers(certificate, host)


@lru_cache(maxsize=KEPT)
def _certifies(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


@cache
def authorities() -> Mapping[x509.Name, Sequence[x509.Certificate]]:
    """Those of this system by name; none where there is no list of them."""
    found: dict[x509.Name, list[x509.Certificate]] = {}
    for bundle in BUNDLES:
        try:
            certificates = x509.load_pem_x509_certificates(bundle.read_bytes())
        except (OSError, ValueError):
            continue
        for each in certificates:
            found.setdefault(each.subject, []).append(each)
        return found
    return found


def _name(name: x509.Name) -> str:
    """Short, for a sentence."""
    common = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string() or "without a name"

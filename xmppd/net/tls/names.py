"""The names that a certificate is for, and whether a domain is among them.

RFC 9525 through ``service-identity`` (DNS-ID, SRV-ID and IP-ID, wildcards by the rules there, no common names), and the
xmppAddr of RFC 6120 13.7.1.4, as XEP-0178 uses it.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from cryptography import x509
from cryptography.hazmat import asn1
from service_identity import VerificationError
from service_identity.cryptography import extract_patterns
from service_identity.exceptions import CertificateError
from service_identity.hazmat import DNS_ID, SRV_ID, IPAddress_ID, verify_service_identity

from xmppd.net.tls.self_signed import to_ascii
from xmppd.stanza.jid import JID, InvalidJID

XMPP_ADDRESS: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5")
"""id-on-xmppAddr (RFC 6120 13.7.1.4): a JID as UTF8String."""
SRV_NAME: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7")
"""id-on-dnsSRV (RFC 4985): ``_SERVICE.NAME`` as IA5String."""
CLIENT_SERVICES: Final = ("_xmpp-client", "_xmpps-client")
SERVER_SERVICES: Final = ("_xmpp-server", "_xmpps-server")

_ServiceID = DNS_ID | SRV_ID | IPAddress_ID


def covers(certificate: x509.Certificate, domain: str, services: Sequence[str] = CLIENT_SERVICES) -> bool:
    """Say whether who looks for *domain*, for one of *services*, takes the certificate for it."""
    try:
        patterns = extract_patterns(certificate)
    except (CertificateError, x509.DuplicateExtension, ValueError):
        return False
    for one in _ids(domain, services):
        with suppress(VerificationError, CertificateError):
            verify_service_identity(patterns, obligatory_ids=[one], optional_ids=[])
            return True
    return domain in addresses_in(certificate)


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Give every name among the certificate's alternative names, each once, for people."""
    return tuple(dict.fromkeys(filter(None, _names(certificate))))


def addresses_in(certificate: x509.Certificate) -> list[str]:
    """Give the accounts and domains that *certificate* names as xmppAddr (XEP-0178 1), prepared."""
    texts = (_text(name, str) for name in _alternatives(certificate) if _is(name, XMPP_ADDRESS))
    return [jid for jid in (_bare_jid(text) for text in texts) if jid]


def _ids(domain: str, services: Sequence[str]) -> list[_ServiceID]:
    with suppress(ValueError):
        return [IPAddress_ID(str(ipaddress.ip_address(domain.strip("[]"))))]
    name = to_ascii(domain)
    try:
        return [DNS_ID(name), *(SRV_ID(f"{service}.{name}") for service in services)]
    except ValueError:  # no name of DNS
        return []


def _names(certificate: x509.Certificate) -> Iterator[str]:
    for name in _alternatives(certificate):
        if isinstance(name, x509.DNSName | x509.IPAddress):
            yield str(name.value)
        elif _is(name, XMPP_ADDRESS):
            yield _text(name, str) or ""
        elif _is(name, SRV_NAME):
            yield _text(name, asn1.IA5String) or ""


def _alternatives(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        return list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return []


def _is(name: x509.GeneralName, kind: x509.ObjectIdentifier) -> bool:
    return isinstance(name, x509.OtherName) and name.type_id == kind


def _text(name: x509.GeneralName, kind: type[str] | type[asn1.IA5String]) -> str | None:
    """Read the one string that such a name is; None for anything else."""
    assert isinstance(name, x509.OtherName)
    try:
        found = asn1.decode_der(kind, name.value)
    except ValueError:
        return None
    return found.as_str() if isinstance(found, asn1.IA5String) else found


def _bare_jid(text: str | None) -> str | None:
    """A certificate names accounts and domains, without a resource."""
    try:
        jid = JID.parse(text or "")
    except InvalidJID:
        return None
    return jid.full if jid.is_bare else None

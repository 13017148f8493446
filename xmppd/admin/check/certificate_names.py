"""The names that a certificate is for, and whether a domain is among them (RFC 6120 13.7.1.2, RFC 6125 6.4)."""

import ipaddress
from collections.abc import Iterator
from contextlib import suppress

import idna
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

XMPP_ADDRESS = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5")
"""id-on-xmppAddr (RFC 6120 13.7.1.4): a JID as UTF8String."""
SRV_NAME = x509.ObjectIdentifier("1.3.6.1.5.5.7.8.7")
"""id-on-dnsSRV (RFC 4985): ``_SERVICE.NAME`` as IA5String."""

CLIENT_SERVICES = ("_xmpp-client.", "_xmpps-client.")
ANY_LABEL = "*."

_UTF8_STRING, _IA5_STRING = 0x0C, 0x16
_LONG_FORM = 0x80


def names_of(certificate: x509.Certificate) -> list[str]:
    """Give every name in the certificate's alternative names as text, each once; common names do not count."""
    return list(dict.fromkeys(name for _, name in _names(certificate)))


def covers(certificate: x509.Certificate, host: str) -> bool:
    """Say whether clients that look for *host* take the certificate for it."""
    wanted = _ascii(host)
    return any(_matches(kind, name, wanted) for kind, name in _names(certificate))


def _matches(kind: type | x509.ObjectIdentifier, name: str, wanted: str) -> bool:
    if kind == SRV_NAME:
        service = next((each for each in CLIENT_SERVICES if name.lower().startswith(each)), None)
        return service is not None and _ascii(name[len(service) :]) == wanted
    if kind is x509.DNSName and name.startswith(ANY_LABEL):
        parent = wanted.partition(".")[2]
        return bool(parent) and _ascii(name[len(ANY_LABEL) :]) == parent
    return _ascii(name) == wanted


def _names(certificate: x509.Certificate) -> Iterator[tuple[type | x509.ObjectIdentifier, str]]:
    try:
        extension = certificate.extensions.get_extension_for_oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME)
    except (x509.ExtensionNotFound, ValueError):
        return
    assert isinstance(extension.value, x509.SubjectAlternativeName)
    for name in extension.value:
        if isinstance(name, x509.DNSName):
            yield x509.DNSName, name.value
        elif isinstance(name, x509.IPAddress):
            yield x509.IPAddress, str(name.value)
        elif isinstance(name, x509.OtherName) and name.type_id in (XMPP_ADDRESS, SRV_NAME):
            text = _string(name.value)
            if text:
                yield name.type_id, text


def _string(der: bytes) -> str | None:
    """Read a UTF8String or IA5String in DER; None for anything else."""
    tag, rest = der[:1], der[1:]
    if tag not in (bytes([_UTF8_STRING]), bytes([_IA5_STRING])) or not rest:
        return None
    if rest[0] < _LONG_FORM:
        length, content = rest[0], rest[1:]
    else:
        size = rest[0] - _LONG_FORM
        length, content = int.from_bytes(rest[1 : 1 + size], "big"), rest[1 + size :]
    with suppress(UnicodeDecodeError):
        return content.decode("utf-8") if len(content) == length else None
    return None


def _ascii(name: str) -> str:
    """The form for comparing: A-labels in lower case; an address as it is."""
    with suppress(ValueError):
        return str(ipaddress.ip_address(name.strip("[]")))
    with suppress(idna.IDNAError, UnicodeError):
        return idna.encode(name, uts46=True).decode("ascii").lower()
    return name.lower()

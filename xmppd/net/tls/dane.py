"""DANE: whether a certificate is what TLSA records say. RFC 6698 2.1, RFC 7671, and RFC 7673 for what SRV leads to.

Covered: all four usages, both selectors, the matching types 0 to 2. What the records of a service say holds in place of
authorities for the usages 2 and 3, and besides them for 0 and 1. Not covered: an issuer that is told by its key alone,
in full, and not shown by the other end (RFC 7671 5.2.2 wants it shown).
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256, sha512
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto

from xmppd.core.outgoing import Pin
from xmppd.net.tls.names import SERVER_SERVICES, covers
from xmppd.net.tls.reading import public_bytes

PKIX_TA, PKIX_EE, DANE_TA, DANE_EE = range(4)
"""Usages (RFC 7218 2.1): who has issued it, or what it is; with authorities, or without."""
CERTIFICATE, KEY = range(2)
FULL: Final = 0
_HASHES: Final[dict[int, tuple[Callable[[bytes], bytes], int]]] = {
    1: (lambda data: sha256(data).digest(), 32),
    2: (lambda data: sha512(data).digest(), 64),
}
"""Of the matching types, and how many bytes they give."""


class Pinned(NamedTuple):
    """What DNS says of the certificate at one target of a domain."""

    domain: str
    host: str
    """The target of its SRV record."""
    pins: tuple[Pin, ...]


def usable(pins: Iterable[Pin]) -> tuple[Pin, ...]:
    """Leave out what nobody can be held to (RFC 6698 4.1): numbers and lengths that there are not."""
    return tuple(pin for pin in pins if _is_usable(pin))


def _is_usable(pin: Pin) -> bool:
    if pin.usage > DANE_EE or pin.selector > KEY:
        return False
    if pin.matching != FULL:
        return pin.matching in _HASHES and len(pin.data) == _HASHES[pin.matching][1]
    return bool(pin.data)


def record_of(certificate: x509.Certificate) -> str:
    """Give the data of a record for its key, as a zone has it: ``3 1 1`` and the SHA-256 in hexadecimal digits."""
    return f"{DANE_EE} {KEY} 1 {sha256(_data_of(KEY, certificate)).hexdigest()}"


def may_hold(chain: Sequence[x509.Certificate], pinned: Pinned) -> bool:
    """Say whether one of the records is of this *chain*, the certificate itself first; for who shows it.

    Whom others believe is not looked at (usages 0 and 1), and whom they know without being shown may be anybody (0).
    """
    return any(
        pin.usage == PKIX_TA
        or (_is_of(pin, chain[0]) if pin.usage == PKIX_EE else _is_enough(pin, chain, pinned))
        for pin in pinned.pins
    )


def is_pinned(connection: SSL.Connection, pinned: Pinned, is_believed: bool) -> bool:
    """Say whether the certificate that the other end has shown is what one of the records says, and is for the domain.

    *is_believed*: its chain leads to an authority, and it is not out of date.
    """
    chain = _chain_of(connection)
    return bool(chain) and any(_holds(pin, chain, connection, pinned, is_believed) for pin in pinned.pins)


def _chain_of(connection: SSL.Connection) -> list[x509.Certificate]:
    """Give what the other end has shown, its own certificate first: that of which it has proved to have the key.

    OpenSSL leaves it out of the chain that a client shows; what stands first there may be anybody's.
    """
    own = connection.get_peer_certificate(as_cryptography=True)
    if own is None:
        return []
    chain = connection.get_peer_cert_chain(as_cryptography=True) or []
    return [own, *(chain[1:] if chain[:1] == [own] else chain)]


def _holds(
    pin: Pin,
    chain: Sequence[x509.Certificate],
    connection: SSL.Connection,
    pinned: Pinned,
    is_believed: bool,
) -> bool:
    shown = chain[0]
    if pin.usage in (DANE_TA, DANE_EE):
        return _is_enough(pin, chain, pinned)
    if not is_believed or not covers(shown, pinned.domain, SERVER_SERVICES):
        return False
    if pin.usage == PKIX_EE:
        return _is_of(pin, shown)
    verified = connection.get_verified_chain(as_cryptography=True) or []
    return any(_is_of(pin, each) for each in verified[1:])


def _is_enough(pin: Pin, chain: Sequence[x509.Certificate], pinned: Pinned) -> bool:
    """Whether a record of the usages 2 and 3 holds, which needs no authority."""
    if pin.usage == DANE_EE:  # RFC 7671 5.1: names and dates are those of the record
        return _is_of(pin, chain[0])
    is_for_it = covers(chain[0], pinned.domain, SERVER_SERVICES) or covers(chain[0], pinned.host, ())
    return is_for_it and any(_leads_to(each, chain) for each in _anchors(pin, chain))


def _is_of(pin: Pin, certificate: x509.Certificate) -> bool:
    data = _data_of(pin.selector, certificate)
    return pin.data == (data if pin.matching == FULL else _HASHES[pin.matching][0](data))


def _data_of(selector: int, certificate: x509.Certificate) -> bytes:
    if selector == CERTIFICATE:
        return certificate.public_bytes(Encoding.DER)
    return public_bytes(certificate)


def _anchors(pin: Pin, chain: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Give whom the record names: out of the chain, or, where the record holds all of it, out of the record."""
    found = [each for each in chain[1:] if _is_of(pin, each)]
    if not found and pin.selector == CERTIFICATE and pin.matching == FULL:
        try:
            found = [x509.load_der_x509_certificate(pin.data)]
        except ValueError:
            return []
    return found


def _leads_to(anchor: x509.Certificate, chain: Sequence[x509.Certificate]) -> bool:
    """Whether *anchor* has issued what was shown, over whatever stands between, and all of that is in date."""
    store = crypto.X509Store()
    store.add_cert(crypto.X509.from_cryptography(anchor))
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    shown, *between = map(crypto.X509.from_cryptography, chain)
    try:
        crypto.X509StoreContext(store, shown, between).verify_certificate()
    except crypto.X509StoreContextError:
        return False
    return True

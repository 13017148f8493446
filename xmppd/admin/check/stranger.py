"""Looks at a server as a stranger's client does: connects, turns on TLS, and asks whether it would believe it."""

import socket
import ssl
from dataclasses import dataclass
from typing import Final

from xmppd.config.section import Address
from xmppd.net.tls.self_signed import to_ascii

TIMEOUT_S: Final = 5.0
ANSWER_BYTES: Final = 65_536
LOOPBACK: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}
_HEADER: Final = (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
    " version='1.0' to='{}'>"
)
_STARTTLS: Final = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"


class NoTLS(OSError):
    """The server does not offer it; the text says what it does."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is seen of a domain."""

    version: str
    """Of TLS, such as ``TLSv1.3``."""
    certificate: bytes
    """The domain's certificate, as DER."""
    distrust: str
    """Why a stranger does not believe it; empty where one does."""


def look(address: Address, domain: str, is_direct: bool) -> Seen:
    """Look at *domain* where it listens; twice, since who does not believe a certificate does not see it. OSError."""
    curious = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    curious.check_hostname, curious.verify_mode = False, ssl.CERT_NONE
    with _connected(address, domain, is_direct, curious) as seen:
        version, certificate = seen.version() or "", seen.getpeercert(binary_form=True) or b""
    try:
        _connected(address, domain, is_direct, ssl.create_default_context()).close()
    except ssl.SSLCertVerificationError as error:
        return Seen(version, certificate, error.verify_message.rstrip("."))
    return Seen(version, certificate, "")


def _connected(address: Address, domain: str, is_direct: bool, context: ssl.SSLContext) -> ssl.SSLSocket:
    reached = LOOPBACK.get(address.host, address.host)
    plain = socket.create_connection((reached, address.port), TIMEOUT_S)
    try:
        if not is_direct:
            plain.sendall(_HEADER.format(domain).encode())
            if b"<starttls" not in _until(plain, b"</stream:features>"):
                raise NoTLS("the server does not offer STARTTLS")
            plain.sendall(_STARTTLS)
            _until(plain, b"<proceed")
        return context.wrap_socket(plain, server_hostname=to_ascii(domain))
    except BaseException:
        plain.close()
        raise


def _until(plain: socket.socket, end: bytes) -> bytes:
    got = b""
    while end not in got:
        chunk = plain.recv(ANSWER_BYTES)
        if not chunk or len(got) > ANSWER_BYTES:
            raise NoTLS("the server closes the stream")
        got += chunk
    return got

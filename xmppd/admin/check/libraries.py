"""``library.*``: whether the libraries fit, tried by what every login needs: TLS with ourselves, in memory.

A library may be there in a version that cannot do what it is called for; without a try that is found by the first user.
"""

import socket
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from OpenSSL import SSL

from xmppd.admin.check.subject import Subject
from xmppd.admin.control.answers import versions_in_words
from xmppd.admin.libraries import library_versions
from xmppd.config.findings import Finding
from xmppd.net.tls.certificates import CertificateStore, HostFiles, utc_now
from xmppd.net.tls.incoming import ServerTLS
from xmppd.net.tls.peers import channel_bindings
from xmppd.net.transport.tls_socket import BROKEN, DONE, TLSSocket, tls_socket

_HOST = "localhost"
_WORD = b"ping"
_MOST_TURNS = 10


def check_libraries(subject: Subject) -> Iterator[Finding]:
    """Shake hands; what goes wrong is a finding, whatever a library that does not fit raises."""
    try:
        shake_hands()
    except Exception as error:  # noqa: BLE001 - it is asked whether it fails
        why = f"{type(error).__name__}: {error}; there are {versions_in_words(library_versions())}"
        remedy = "install the versions that xmppd is made for: pip install --upgrade --force-reinstall xmppd"
        what = "a TLS connection with ourselves"
        yield Finding("library.tls", "error", "libraries", what, why, remedy)


def shake_hands() -> None:
    """Connect to ourselves by TLS, by the calls that a connection of a client uses, and send a word."""
    ours, theirs = socket.socketpair()
    with TemporaryDirectory(prefix="xmppd-check-") as folder, ours, theirs:
        files = HostFiles(_HOST, Path(folder, "crt"), Path(folder, "key"), is_self_made=True)
        creator = ServerTLS(CertificateStore([files], utc_now)).creator_for(_HOST)
        for end in (ours, theirs):
            end.setblocking(False)
        server = tls_socket(creator, ours)
        client = tls_socket(SSL.Context(SSL.TLS_CLIENT_METHOD), theirs, is_client=True)
        _complete(client, server)
        client.write(_WORD)
        if server.read()[0] != _WORD or not channel_bindings(server.connection):
            raise AssertionError("what is sent does not arrive")


def _complete(client: TLSSocket, server: TLSSocket) -> None:
    for _ in range(_MOST_TURNS):
        outcomes = client.handshake(), server.handshake()
        if outcomes == (DONE, DONE):
            return
        if BROKEN in outcomes:
            raise client.error or server.error or AssertionError("the handshake fails")
    raise AssertionError("the handshake does not end")

"""A login with ourselves: what no version number of a library tells is found before the first user finds it.

A server is put together of its defaults, with one account, in memory; a client of a few lines logs in to it over a
connection of this machine with itself: STARTTLS, SCRAM with channel binding, a resource, a ping. Reactor and transport
are those that the configuration names.
"""

import hashlib
import hmac
import secrets
import socket
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from OpenSSL import SSL
from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from xmppd.admin.options import install_reactor
from xmppd.config.options import Net
from xmppd.config.read import parse
from xmppd.core.environment import Environment
from xmppd.net.ports import OwnAcceptor
from xmppd.net.tls.certificates import CertificateStore, HostFiles, utc_now
from xmppd.net.tls.incoming import ServerTLS
from xmppd.net.transport.listen import OnAccept, StockAcceptor
from xmppd.net.transport.tls_socket import BROKEN, DONE, TLSSocket, tls_socket
from xmppd.server import build, load_modules
from xmppd.stanza.jid import JID
from xmppd.storage.memory import MemoryStorage

_HOST: Final = "localhost"
_ACCOUNT: Final = "check"
_MOST_TURNS: Final = 300
_TURN_S: Final = 0.01
_READ_BYTES: Final = 65_536
_HEADER: Final = (
    f"<?xml version='1.0'?><stream:stream to='{_HOST}' version='1.0' xmlns='jabber:client' "
    "xmlns:stream='http://etherx.jabber.org/streams'>"
)
_FEATURES: Final = "</stream:features>"
_SASL: Final = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
_BIND: Final = (  # with a letter that needs Unicode's tables (RFC 7622)
    "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>Prüfung</resource></bind></iq>"
)
_PING: Final = f"<iq type='get' id='ping' to='{_HOST}'><ping xmlns='urn:xmpp:ping'/></iq>"
_GS2: Final = "p=tls-exporter,,"


class LoginFailed(Exception):
    """Something else came than a login wants; the text is one line."""


def log_in(net: Net) -> None:
    """Log in to a server with *net*'s reactor and transport; raises whatever a library does that does not fit.

    The reactor is installed, unless there is one, and takes some turns. May wait some seconds where an answer does
    not come.
    """
    install_reactor(net.reactor)
    password = secrets.token_urlsafe()
    try:
        ours, theirs = _connection()
    except OSError:
        return  # this machine does not reach itself, which is no matter of libraries: its listeners are looked at, too
    with TemporaryDirectory(prefix="xmppd-check-") as folder, ours, theirs:
        server = _Server(net.transport, Path(folder), password)
        server.accept(ours, ours.getpeername())
        try:
            _converse(_Client(theirs, server.turn), password)
        finally:
            theirs.close()
            server.end()


def _converse(client: "_Client", password: str) -> None:
    client.ask(_HEADER, _FEATURES)
    client.ask("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<proceed")
    client.start_tls()
    client.ask(_HEADER, _FEATURES)
    _authenticate(client, password)
    client.ask(_HEADER, _FEATURES)
    client.ask(_BIND, "<jid>")
    client.ask(_PING, "id='ping'")


class _Server:
    """A server of the defaults, with one account; its own time stands still."""

    def __init__(self, transport: str, folder: Path, password: str) -> None:
        from twisted.internet import reactor  # not before: it is chosen by the configuration

        self._reactor: Any = reactor  # its interfaces are declared at run time
        self._clock = Clock()
        config, _ = parse(f'[hosts."{_HOST}"]\n', "the defaults")
        assert config is not None, "the defaults are right"
        storage, texts = MemoryStorage(), secrets.token_urlsafe
        world = Environment(self._clock, time.time, execute, texts, b"a secret", iterations=1)
        server = build(config, storage, world)
        load_modules(server)
        _now(server.accounts.load())
        _now(server.accounts.create(JID.parse(f"{_ACCOUNT}@{_HOST}"), password))
        files = HostFiles(_HOST, folder / "crt", folder / "key", is_self_made=True)
        self._factory = server.c2s_factory(ServerTLS(CertificateStore([files], utc_now)))
        self.accept: OnAccept = OwnAcceptor(self._factory, self._reactor, None, lambda: config.limits)
        if transport == "twisted":
            self.accept = StockAcceptor(self._factory, self._reactor)

    def turn(self) -> None:
        """Have done what is due, after a short wait for it; raises what the server would have logged as a fault."""
        with _faults() as faults:
            self._reactor.iterate(_TURN_S)
            self._clock.advance(0)
        if faults:
            faults[0].raiseException()

    def end(self) -> None:
        """Leave nothing with the reactor: the client has gone."""
        for _ in range(_MOST_TURNS):
            if not self._factory.connections:
                return
            self.turn()


def _authenticate(client: "_Client", password: str) -> None:
    """SCRAM-SHA-256-PLUS (RFC 5802, RFC 7677) with ``tls-exporter`` (RFC 9266)."""
    first = f"n={_ACCOUNT},r={secrets.token_urlsafe()}"
    begin = f"<auth {_SASL} mechanism='SCRAM-SHA-256-PLUS'>{_encoded(_GS2 + first)}</auth>"
    challenge = b64decode(client.ask(begin, "</challenge>").rpartition(">")[2]).decode()
    given = dict(part.split("=", 1) for part in challenge.split(","))
    unproven = f"c={_encoded(_GS2, client.channel_binding())},r={given['r']}"
    message = f"{first},{challenge},{unproven}".encode()
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), b64decode(given["s"]), int(given["i"]))
    key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
    proof = bytes(a ^ b for a, b in zip(key, signature, strict=True))
    client.ask(
        f"<response {_SASL}>{_encoded(f'{unproven},p=' + _encoded('', proof))}</response>", "</success>"
    )


def _encoded(text: str, data: bytes = b"") -> str:
    return b64encode(text.encode() + data).decode()


class _Client:
    """The other end of a connection: asks, and waits for what it was told to expect."""

    def __init__(self, sock: socket.socket, turn: Callable[[], None]) -> None:
        self._socket = sock
        self._turn = turn
        self._tls: TLSSocket | None = None
        self._received = ""

    def ask(self, text: str, wanted: str) -> str:
        """Send *text*, and give what came before *wanted*; `LoginFailed` where that does not come."""
        if self._tls is None:
            self._socket.send(text.encode())
        else:
            self._tls.write(text.encode())
        for _ in range(_MOST_TURNS):
            self._turn()
            self._received += self._read().decode()
            before, found, behind = self._received.partition(wanted)
            if found:
                self._received = behind
                return before
        raise LoginFailed(f"instead of {wanted} came {self._received or 'nothing'}")

    def start_tls(self) -> None:
        """Begin TLS and shake hands."""
        self._received = ""
        self._tls = tls_socket(SSL.Context(SSL.TLS_CLIENT_METHOD), self._socket, is_client=True)
        for _ in range(_MOST_TURNS):
            outcome = self._tls.handshake()
            if outcome == DONE:
                return
            if outcome == BROKEN:
                raise self._tls.error or LoginFailed("the TLS handshake fails")
            self._turn()
        raise LoginFailed("the TLS handshake does not end")

    def channel_binding(self) -> bytes:
        """Give the data of ``tls-exporter``."""
        assert self._tls is not None
        return self._tls.connection.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")

    def _read(self) -> bytes:
        if self._tls is not None:
            return self._tls.read()[0]
        try:
            return self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return b""


@contextmanager
def _faults() -> Iterator[list[Failure]]:
    """Give what is logged meanwhile as a fault."""
    noting = _Noting()
    globalLogPublisher.addObserver(noting)
    try:
        yield noting.faults
    finally:
        globalLogPublisher.removeObserver(noting)


@implementer(ILogObserver)
class _Noting:
    """Keeps the faults among what is logged."""

    def __init__(self) -> None:
        self.faults: list[Failure] = []

    def __call__(self, event: LogEvent) -> None:
        if "log_failure" in event:
            self.faults.append(event["log_failure"])


def _connection() -> tuple[socket.socket, socket.socket]:
    """Connect this machine with itself; the server's end first."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        theirs = socket.create_connection(listening.getsockname())
        ours, _ = listening.accept()
    for end in (ours, theirs):
        end.setblocking(False)
    return ours, theirs


def _now(deferred: Deferred[Any]) -> None:
    """Raise the failure of a Deferred that has fired."""
    failures: list[Failure] = []
    deferred.addErrback(failures.append)
    if failures:
        failures[0].raiseException()

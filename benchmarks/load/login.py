"""Logging in: stream, STARTTLS, SCRAM-SHA-1, bind, roster, initial presence; many at a time, bounded in number."""

import secrets
import ssl
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from benchmarks.load.client import HANDSHAKE, Client, Script, header
from benchmarks.load.connection import Connection
from benchmarks.load.loop import LoadError, Loop
from benchmarks.load.scram import ScramClient

HOST = "localhost"
PASSWORD = "benchmark"
AT_ONCE = 16
STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
FEATURES = (b"</stream:features>", b"</features>", b"<stream:error", b"</stream:stream>")
ROSTER = b"<iq type='get' id='roster-1'><query xmlns='jabber:iq:roster'/></iq>"


HEADER: Final = header(HOST)


def user_name(number: int) -> str:
    """Name the n-th seeded account."""
    return f"u{number}"


@dataclass(frozen=True, slots=True)
class Account:
    """Who logs in, and how far: without presence a session is bound but not available."""

    user: str
    resource: str = "r"
    with_presence: bool = True
    domain: str = HOST
    password: str = PASSWORD

    @property
    def full_jid(self) -> str:
        """Give the address the session will have."""
        return f"{self.user}@{self.domain}/{self.resource}"


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect, and whether to go over to TLS."""

    port: int
    tls: ssl.SSLContext | None
    carrier: Callable[[Loop, int], Client] | None = None
    """What makes a client that comes by another way than TCP."""

    def connect(self, loop: Loop) -> Client:
        """Make a client that is connected."""
        return (
            Connection(loop, self.port, self.tls) if self.carrier is None else self.carrier(loop, self.port)
        )


def log_in_all(
    loop: Loop, address: Address, accounts: Iterable[Account], at_once: int = AT_ONCE
) -> list[Client]:
    """Log all in, ``at_once`` at a time; give their connections in the accounts' order."""
    waiting = iter(accounts)
    connections: list[Client] = []
    finished = 0

    def ended() -> None:
        nonlocal finished
        finished += 1
        _start_next(loop, address, waiting, connections, ended)

    for _ in range(at_once):
        _start_next(loop, address, waiting, connections, ended)
    loop.run_until(lambda: finished == len(connections), "logging in")
    return connections


def _start_next(
    loop: Loop,
    address: Address,
    waiting: Iterator[Account],
    connections: list[Client],
    ended: Callable[[], None],
) -> None:
    account = next(waiting, None)
    if account is None:
        return
    connection = address.connect(loop)
    connection.jid = account.full_jid
    connection.on_script_end = ended
    connections.append(connection)
    connection.run(login(connection, account, address.tls is not None))


def login(connection: Client, account: Account, with_tls: bool) -> Script:
    """Take a fresh connection to an available (or only bound) session."""
    yield from connection.begin(account.domain)
    connection.open_stream(account.domain)
    expect((yield FEATURES), b"features>")
    if with_tls:
        connection.send(STARTTLS)
        expect((yield (b"<proceed", b"<failure")), b"<proceed")
        yield (b">",)
        yield HANDSHAKE
        connection.open_stream(account.domain)
        expect((yield FEATURES), b"features>")
    yield from _authenticate(connection, account)
    connection.open_stream(account.domain)
    expect((yield FEATURES), b"features>")
    connection.send(
        f"<iq type='set' id='bind-1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
        f"<resource>{account.resource}</resource></bind></iq>".encode()
    )
    expect((yield (b"</iq>",)), f"/{account.resource}</jid>".encode())
    connection.send(ROSTER)
    expect((yield (b"</iq>",)), b"roster-1")
    if account.with_presence:
        connection.send(b"<presence/>")
        yield (b"<presence",)


def _authenticate(connection: Client, account: Account) -> Script:
    scram = ScramClient(account.user, account.password, secrets.token_hex(12))
    connection.send(b"<auth xmlns='%b' mechanism='SCRAM-SHA-1'>%b</auth>" % (SASL.encode(), scram.first()))
    challenge = yield (b"</challenge>", b"</failure>")
    expect(challenge, b"</challenge>")
    payload = challenge[challenge.rindex(b"<challenge") :].split(b">", 1)[1][: -len(b"</challenge>")]
    connection.send(b"<response xmlns='%b'>%b</response>" % (SASL.encode(), scram.final(payload)))
    expect((yield (b"</success>", b"</failure>")), b"</success>")


def expect(seen: bytes, wanted: bytes) -> None:
    """Raise LoadError unless the answer is the one wanted."""
    if wanted not in seen:
        raise LoadError(f"expected {wanted.decode()}, got {seen[-400:].decode(errors='replace')}")

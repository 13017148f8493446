"""S3 by SASL2 and Bind 2, and by a FAST token over a resumed TLS session, beside the classic login."""

import base64
import hmac
import re
import secrets
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from benchmarks.load.client import HANDSHAKE, Script
from benchmarks.load.connection import Connection
from benchmarks.load.login import FEATURES, HEADER, HOST, PASSWORD, ROSTER, STARTTLS, expect, user_name
from benchmarks.load.loop import Loop
from benchmarks.load.scram import ScramClient
from benchmarks.load.tls import client_context
from benchmarks.measure import Stopwatch
from benchmarks.scenarios.base import MS_A_SECOND, Figures, Row, Scenario
from benchmarks.servers.base import Needs, Server, Unsupported

AT_ONCE = 16
WARM_UP = 100
SASL2 = b"urn:xmpp:sasl:2"
MECHANISM = "HT-SHA-256-NONE"
TOKEN = re.compile(rb" token='([^']+)'")


@dataclass(slots=True)
class Device:
    """One client of one account: what it keeps between two logins."""

    number: int
    token: bytes = b""
    session: ssl.SSLSession | None = None
    round_trips: int = 0

    @property
    def user(self) -> str:
        """Give its account's name."""
        return user_name(self.number)

    @property
    def agent(self) -> bytes:
        """Give its user agent, with an id of its own."""
        return f"<user-agent id='{UUID(int=self.number, version=4)}'/>".encode()


class Resuming:
    """A TLS context that resumes a device's session where it has one."""

    def __init__(self, context: ssl.SSLContext, device: Device) -> None:
        self._context = context
        self._device = device

    def wrap_socket(self, sock: Any, **options: Any) -> ssl.SSLSocket:
        """As a context does."""
        return self._context.wrap_socket(sock, session=self._device.session, **options)


class QuickLogin(Scenario):
    """From connecting to being available, by SASL2 and Bind 2; with a password, or by a token that it got before."""

    def __init__(self, key: str, logins: int, goal: str, *, by_token: bool) -> None:
        super().__init__(key, with_tls=True)
        how = "FAST, TLS 1.3 resumed" if by_token else "SASL2 + Bind 2, TLS 1.3"
        self.title = f"S3 login by {how}"
        self.rows = (
            Row("cpu_ms", "ms a login", goal),
            Row("round_trips", "round trips after TLS, roster and presence apart"),
            Row("rate", "logins a second", is_main=False),
            Row("client_ms", "ms of the client's CPU", is_main=False),
        )
        self.logins = logins
        self.by_token = by_token
        self._context = client_context()
        """One for all logins: a session is resumed in the context that it began in."""

    def needs(self) -> Needs:
        """An account a login, and some that warm the server up."""
        return Needs(accounts=self.logins + WARM_UP)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Let every device be known, with its token where tokens are used; log in, wait until all is quiet."""
        devices = [Device(number) for number in range(self.logins + WARM_UP)]
        for connection in self.all(server, loop, devices):
            connection.close()
        loop.settle()
        self.all(server, loop, devices[:WARM_UP])
        loop.settle()
        measured = devices[WARM_UP:]
        watch = Stopwatch(server.pid)
        connections = self.all(server, loop, measured)
        wall_s = watch.read().wall_s
        loop.settle()
        cost = watch.read()
        if self.by_token:
            assert all(
                isinstance(each.sock, ssl.SSLSocket) and each.sock.session_reused for each in connections
            )
        return {
            "cpu_ms": cost.server_s / self.logins * MS_A_SECOND,
            "client_ms": cost.client_s / self.logins * MS_A_SECOND,
            "round_trips": max(device.round_trips for device in measured),
            "rate": self.logins / wall_s,
        }

    def all(self, server: Server, loop: Loop, devices: list[Device]) -> list[Connection]:
        """Log all in, some at a time; give their connections."""
        waiting = iter(devices)
        connections: list[Connection] = []
        finished = 0

        def ended() -> None:
            nonlocal finished
            finished += 1
            start(waiting)

        def start(waiting: Iterator[Device]) -> None:
            device = next(waiting, None)
            if device is None:
                return
            resuming: Any = Resuming(self._context, device)
            connection = Connection(loop, server.port, resuming)
            connection.jid = device.user
            connection.on_script_end = ended
            connections.append(connection)
            connection.run(_login(connection, device, self.by_token))

        for _ in range(AT_ONCE):
            start(waiting)
        loop.run_until(lambda: finished == len(devices), "logging in")
        return connections


def _login(connection: Connection, device: Device, with_tokens: bool) -> Script:
    connection.send(HEADER)
    expect((yield FEATURES), b"features>")
    connection.send(STARTTLS)
    expect((yield (b"<proceed", b"<failure")), b"<proceed")
    yield (b">",)
    yield HANDSHAKE
    device.round_trips = 0
    if device.token:  # what a client does that knows the server: all at once
        connection.send(HEADER + _by_token(device))
        features = yield FEATURES
    else:
        connection.send(HEADER)
        features = yield FEATURES
        if SASL2 not in features:
            raise Unsupported("it has no SASL2")
        device.round_trips = 1
        yield from _by_password(connection, device, with_tokens)
    expect((yield FEATURES), b"features>")
    device.round_trips += 1
    if with_tokens and isinstance(connection.sock, ssl.SSLSocket):
        device.session = connection.sock.session
    connection.send(ROSTER)
    expect((yield (b"</iq>",)), b"roster-1")
    connection.send(b"<presence/>")
    yield (b"<presence",)


def _by_password(connection: Connection, device: Device, with_token: bool) -> Script:
    scram = ScramClient(device.user, PASSWORD, secrets.token_hex(12))
    token = (
        f"<request-token xmlns='urn:xmpp:fast:0' mechanism='{MECHANISM}'/>".encode() if with_token else b""
    )
    connection.send(_authenticate("SCRAM-SHA-1", scram.first(), device.agent + token))
    challenge = yield (b"</challenge>", b"</failure>")
    expect(challenge, b"</challenge>")
    device.round_trips += 1
    payload = challenge[challenge.rindex(b"<challenge") :].split(b">", 1)[1][: -len(b"</challenge>")]
    connection.send(b"<response xmlns='%b'>%b</response>" % (SASL2, scram.final(payload)))
    success = yield (b"</success>", b"</failure>")
    expect(success, f"{device.user}@{HOST}/bench/".encode())
    found = TOKEN.search(success)
    device.token = found[1] if found else b""


def _by_token(device: Device) -> bytes:
    proof = device.user.encode() + b"\0" + hmac.digest(device.token, b"Initiator", "sha256")
    fast = b"<fast xmlns='urn:xmpp:fast:0'/>"
    return _authenticate(MECHANISM, base64.b64encode(proof), device.agent + fast)


def _authenticate(mechanism: str, initial: bytes, inner: bytes) -> bytes:
    return (
        b"<authenticate xmlns='%b' mechanism='%b'><initial-response>%b</initial-response>%b"
        b"<bind xmlns='urn:xmpp:bind:0'><tag>bench</tag></bind></authenticate>"
        % (SASL2, mechanism.encode(), initial, inner)
    )

"""S12: S1 and S4 over WebSocket and over BOSH, plaintext; and what files cost that are uploaded and fetched."""

import re
import socket
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.load.client import Client, Script
from benchmarks.load.login import Account, Address, user_name
from benchmarks.load.loop import LoadError, Loop
from benchmarks.load.web import HEAD_END, BOSHClient
from benchmarks.measure import Stopwatch
from benchmarks.scenarios.base import CLIENT, P50, P99, RATE, Figures, Row, Scenario, Window
from benchmarks.scenarios.chat import Chat
from benchmarks.scenarios.sessions import Idle
from benchmarks.servers.base import Needs, Profile, Server

Carrier = Callable[[Loop, int], Client]
FILE_BYTES = 25_000_000
BYTES_A_MB = 1e6
PIECE_BYTES = 65_536
LIMIT_S = 30.0
OK, NO_MORE_SUCCESS = 200, 300
PUT = re.compile(rb"<put[^>]* url=['\"]https?://[^/]+(/[^'\"]+)['\"]")
AUTHORIZATION = re.compile(rb"<header name=['\"]Authorization['\"]>([^<]*)<")
GET = re.compile(rb"<get[^>]* url=['\"]https?://[^/]+(/[^'\"]+)['\"]")
SLOT = (
    "<iq type='get' id='slot-{number}' to='upload.localhost'><request xmlns='urn:xmpp:http:upload:0' "
    "filename='film-{number}.bin' size='{size}' content-type='application/octet-stream'/></iq>"
)


def name_of(carrier: Carrier) -> str:
    """Name what carries the streams."""
    return "BOSH" if carrier is BOSHClient else "WebSocket"


class WebChat(Chat):
    """S1 by another carrier."""

    def __init__(self, key: str, carrier: Carrier, pairs: int, window: Window, goal: str) -> None:
        super().__init__(key, False, pairs, window, goal)
        self.title = f"S12 chat over {name_of(carrier)}, {pairs} pairs, plaintext"
        self.rows = (Row("cpu_us", "µs a message", goal), P99, P50, RATE, CLIENT)
        self.carrier = carrier

    def needs(self) -> Needs:
        """Two accounts a pair, and the web side."""
        return Needs(self.profile, accounts=2 * self.pairs, web=True)

    def address(self, server: Server) -> Address:
        """Give the port of the web side."""
        return Address(server.http_port, None, self.carrier)


class WebIdle(Idle):
    """S4 by another carrier."""

    def __init__(self, key: str, carrier: Carrier, sessions: int, goal: str) -> None:
        super().__init__(key, False, sessions, goal)
        self.title = f"S12 idle session after {sessions:,} logins over {name_of(carrier)}, plaintext"
        self.carrier = carrier

    def needs(self) -> Needs:
        """An account a session, and the web side."""
        return Needs(accounts=self.sessions, web=True)

    def address(self, server: Server) -> Address:
        """Give the port of the web side."""
        return Address(server.http_port, None, self.carrier)


class Slot(NamedTuple):
    """Where a file goes, and where it is fetched."""

    put: str
    get: str
    authorization: str


class Files(Scenario):
    """What a file costs that is uploaded, and then fetched."""

    rows = (
        Row("upload", "MB uploaded a second of CPU"),
        Row("download", "MB fetched a second of CPU"),
    )
    deadline_s = 120.0

    def __init__(self, key: str, files: int) -> None:
        super().__init__(key, with_tls=False)
        self.title = f"S12 {files} files of {FILE_BYTES / BYTES_A_MB:.0f} MB, plaintext"
        self.files = files

    def needs(self) -> Needs:
        """An account that uploads, and the web side."""
        return Needs(Profile.LEAN, accounts=1, web=True)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Ask for all slots, then send and fetch one file after the other, by a connection each."""
        (client,) = self.log_in(server, loop, [Account(user_name(0))])
        slots: list[Slot] = []
        client.on_script_end = lambda: None
        client.run(_ask_for_slots(client, self.files, slots))
        loop.run_until(lambda: len(slots) == self.files, "asking for slots")
        megabytes = self.files * FILE_BYTES / BYTES_A_MB
        content = bytes(PIECE_BYTES)
        watch = Stopwatch(server.pid)
        for slot in slots:
            _upload(server.http_port, slot, content)
        uploading = watch.read()
        watch = Stopwatch(server.pid)
        for slot in slots:
            _fetch(server.http_port, slot.get)
        fetching = watch.read()
        return {
            "upload": megabytes / max(uploading.server_s, 0.01),
            "download": megabytes / max(fetching.server_s, 0.01),
        }


def _ask_for_slots(client: Client, count: int, slots: list[Slot]) -> Script:
    for number in range(count):
        client.send(SLOT.format(number=number, size=FILE_BYTES).encode())
        answer = yield (b"</iq>",)
        put, get = PUT.search(answer), GET.search(answer)
        if put is None or get is None:
            raise LoadError(f"no slot: {answer.decode(errors='replace')}")
        told = AUTHORIZATION.search(answer)
        slots.append(Slot(put[1].decode(), get[1].decode(), told[1].decode() if told else ""))


def _upload(port: int, slot: Slot, piece: bytes) -> None:
    head = (
        f"PUT {slot.put} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/octet-stream\r\n"
        f"Content-Length: {FILE_BYTES}\r\nConnection: close\r\n"
    )
    head += f"Authorization: {slot.authorization}\r\n\r\n" if slot.authorization else "\r\n"
    with socket.create_connection(("127.0.0.1", port), LIMIT_S) as conn:
        conn.sendall(head.encode())
        left = FILE_BYTES
        while left:
            conn.sendall(piece[:left])
            left -= min(left, len(piece))
        _check(conn.recv(PIECE_BYTES))


def _fetch(port: int, path: str) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port), LIMIT_S) as conn:
        conn.sendall(head.encode())
        first = conn.recv(PIECE_BYTES)
        _check(first)
        got = len(first)
        space = memoryview(bytearray(PIECE_BYTES))
        while size := conn.recv_into(space):
            got += size
    if got < FILE_BYTES:
        raise LoadError(f"a file came short: {got} bytes")


def _check(answer: bytes) -> None:
    words = answer.partition(HEAD_END)[0].split(b" ", 2)
    if len(words) < 2 or not OK <= int(words[1]) < NO_MORE_SUCCESS:
        raise LoadError(f"an upload went wrong: {answer[:300].decode(errors='replace')}")

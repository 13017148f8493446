"""What is counted: ``work.py CASE TIMES…`` does one kind of work so many times, on a whole server in memory.

The server's part of S1, S3, S5 and S7, without sockets, TLS and a disk. Bytes go to the protocol as the scenarios'
clients send them, several stanzas a read; what comes back is thrown away. For each number a process is forked off the
one in which the server was made, so that they differ in nothing but how often the work is done. It runs against
whatever checkout is on the path, so it takes of ours only what has long been there.
"""

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from benchmarks.load.login import HEADER, ROSTER, SASL
from benchmarks.load.scram import ScramClient
from xmppd.testing.server import MemoryServer

OPTIONS = """
[c2s]
require_tls = false
allow_plain_without_tls = true
[limits]
connections_per_address = 100_000
"""
LEAN: Final = ("mam", "carbons", "sm", "csi")
"""The modules that are off, as in the scenarios that do without them."""
EVENTING: Final = ("avatars", "bookmarks", "pep", "vcard4")
"""Off as well, but where it is said otherwise."""
PASSWORD, NONCE = "benchmark", "fixed-nonce-of-a-client"
A_READ: Final = 4
"""Stanzas that come together."""
PAIRS, PINGING, LOGGING_IN, CONTACTS = 10, 10, 4, 50
DUE_S: Final = 0.05
"""What is due so soon belongs to the work."""
BODY: Final = b"x" * 100
PING = b"<iq to='localhost' type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>"
ENABLE = b"<enable xmlns='urn:xmpp:sm:3'/>"
THERE: Final = "elsewhere.example"
A_TURN_S: Final = 0.002
PRESENCE = b"<presence><show>away</show><status>out for a while</status></presence>"
BIND = b"<iq type='set' id='bind-1'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>"

Work = Callable[[int], int]
"""Does it so many times or a few more; gives how many stanzas were written for it."""


class Line:
    """A client's connection, and the bytes that wait for it."""

    unsent_bytes = 0

    def __init__(self, server: MemoryServer) -> None:
        self.written: list[bytes] = []
        self.write = self.written.append
        self._server = server
        protocol: Any = server.factory.buildProtocol(self.getPeer())
        self._protocol = protocol
        protocol.makeConnection(self)
        self.send: Callable[[bytes], None] = protocol.dataReceived

    def getPeer(self) -> IPv4Address:
        """Give the client's address."""
        return IPv4Address("TCP", "127.0.0.1", 40_000)

    def getHandle(self) -> None:
        """There is no TLS."""

    def pauseProducing(self) -> None:
        """Who sends here waits for answers."""

    resumeProducing = pauseProducing

    def loseConnection(self) -> None:
        """End."""
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(ConnectionDone()))

    abortConnection = loseConnection

    def ask(self, data: bytes, wanted: bytes) -> bytes:
        """Send *data*, let happen what is due; give what has come, in which *wanted* is."""
        self.send(data)
        settle(self._server)
        answer = b"".join(self.written)
        self.written.clear()
        if wanted not in answer:
            raise AssertionError(f"{wanted!r} is not in {answer!r}")
        return answer


def settle(server: MemoryServer) -> None:
    """Let happen what is due soon."""
    clock = server.clock
    while (calls := clock.calls) and (wait_s := calls[0].getTime() - clock.seconds()) <= DUE_S:
        clock.advance(max(0.0, wait_s))


def server_with(users: int, with_pep: bool = False) -> MemoryServer:
    """Give a lean server with the accounts u0, u1, …"""
    off = LEAN if with_pep else (*LEAN, *EVENTING)
    server = MemoryServer(OPTIONS + "".join(f"[modules.{name}]\nenabled = false\n" for name in off))
    for number in range(users):
        server.add_account(f"u{number}@localhost", PASSWORD)
    return server


def log_in(server: MemoryServer, number: int, domain: str = "localhost") -> Line:
    """SCRAM, binding, roster and presence, as in S3."""
    line, scram = Line(server), ScramClient(f"u{number}", PASSWORD, NONCE)
    header = HEADER.replace(b"localhost", domain.encode())
    line.ask(header, b"features>")
    start = f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-1'>".encode()
    challenge = line.ask(start + scram.first() + b"</auth>", b"</challenge>")
    payload = challenge[challenge.rindex(b"<challenge") :].split(b">", 1)[1][: -len(b"</challenge>")]
    line.ask(f"<response xmlns='{SASL}'>".encode() + scram.final(payload) + b"</response>", b"</success>")
    line.ask(header, b"features>")
    line.ask(BIND, b"/r</jid>")
    line.ask(ROSTER, b"roster-1")
    line.ask(b"<presence/>", b"<presence")
    return line


def crowd(server: MemoryServer, users: int) -> list[Line]:
    """Log all in, and forget what they were sent meanwhile."""
    lines = [log_in(server, number) for number in range(users)]
    for line in lines:
        line.written.clear()
    return lines


def message(with_pep: bool = False) -> Work:
    """S1: pairs that chat, to full JIDs."""
    server = server_with(2 * PAIRS, with_pep)
    lines = crowd(server, 2 * PAIRS)
    to = [f"<message to='u{2 * pair + 1}@localhost/r' type='chat' id='m1'>".encode() for pair in range(PAIRS)]
    reads = [(start + b"<body>" + BODY + b"</body></message>") * A_READ for start in to]
    return _in_reads([(line.send, read) for line, read in zip(lines[::2], reads, strict=True)], lines)


def ping() -> Work:
    """S7: pings to the server."""
    lines = crowd(server_with(PINGING), PINGING)
    return _in_reads([(line.send, PING * A_READ) for line in lines], lines)


def _in_reads(reads: list[tuple[Callable[[bytes], None], bytes]], lines: list[Line]) -> Work:
    def work(times: int) -> int:
        written = 0
        for _ in range(0, times, A_READ * len(reads)):
            for receive, data in reads:
                receive(data)
            for line in lines:
                written += len(line.written)
                line.written.clear()
        return written

    return work


def login(with_pep: bool = False) -> Work:
    """S3, without TLS: to the first presence, and the end of the connection; the rosters are in memory."""
    server = server_with(LOGGING_IN, with_pep)

    def work(times: int) -> int:
        for number in range(times):
            log_in(server, number % LOGGING_IN).loseConnection()
            settle(server)
        return times

    work(LOGGING_IN)  # so that the client has derived its keys
    return work


def presence() -> Work:
    """S5: one's presence, to contacts that are there; counted is each copy."""
    server = server_with(CONTACTS + 1)
    lines = crowd(server, CONTACTS + 1)
    for number, contact in enumerate(lines[1:], 1):
        for one, type_, other in ((lines[0], "subscribe", number), (contact, "subscribed", 0)):
            one.send(f"<presence to='u{other}@localhost' type='{type_}'/>".encode())
            settle(server)
        contact.send(b"<presence to='u0@localhost' type='subscribe'/>")
        settle(server)
        lines[0].send(f"<presence to='u{number}@localhost' type='subscribed'/>".encode())
        settle(server)
    for line in lines:
        line.written.clear()

    def work(times: int) -> int:
        written = 0
        for _ in range(0, times, CONTACTS):
            lines[0].send(PRESENCE)
            settle(server)
            for line in lines[1:]:
                written += len(line.written)
                line.written.clear()
            lines[0].written.clear()
        return written

    return work


def remote(is_kept: bool = False) -> Work:
    """S10: pairs that chat across two servers, what both do for a message; *is_kept*: as the senders use XEP-0198."""
    from xmppd.testing.peers import PeerServer, network  # here, since older checkouts have none

    off = "".join(f"[modules.{name}]\nenabled = false\n" for name in (*LEAN, *EVENTING) if name != "sm")
    world = network()
    here, there = (
        PeerServer(f'{OPTIONS}{off}[hosts."{domain}"]\n', world) for domain in ("localhost", THERE)
    )
    senders, receivers = _accounts(here, "localhost"), _accounts(there, THERE)
    if is_kept:
        for line in senders:
            line.ask(ENABLE, b"<enabled")
    to = [f"<message to='u{pair}@{THERE}/r' type='chat' id='m1'>".encode() for pair in range(PAIRS)]
    reads = [(start + b"<body>" + BODY + b"</body></message>") * A_READ for start in to]
    senders[0].send(reads[0])
    settle(here)
    wire, under_way = world.wires[0], list[bytes]()
    wire.write = under_way.append  # what is written in a turn arrives in one piece

    def work(times: int) -> int:
        written = 0
        for _ in range(0, times, A_READ * PAIRS):
            for line, read in zip(senders, reads, strict=True):
                line.send(read)
            data = b"".join(under_way)
            under_way.clear()
            wire.peer.protocol.dataReceived(data)
            here.clock.advance(A_TURN_S)
            for line in receivers:
                written += len(line.written)
                line.written.clear()
        return written

    return work


def _accounts(server: MemoryServer, domain: str) -> list[Line]:
    for number in range(PAIRS):
        server.add_account(f"u{number}@{domain}", PASSWORD)
    lines = [log_in(server, number, domain) for number in range(PAIRS)]
    for line in lines:
        line.written.clear()
    return lines


CASES: dict[str, Callable[[], Work]] = {
    "message": message,
    "ping": ping,
    "login": login,
    "presence": presence,
    "remote": remote,
    "remote-kept": partial(remote, is_kept=True),
    "message-pep": partial(message, with_pep=True),
    "login-pep": partial(login, with_pep=True),
}
"""``-pep``: with personal eventing on, which is to make nothing dearer that has nothing to do with it."""


def fork_for(work: Work, times: int) -> None:
    """Do the work in a process of its own, and wait for that; `SystemExit` where not all came."""
    child = os.fork()
    if child == 0:
        os._exit(work(times) < times)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"not all of {times} came")


if __name__ == "__main__":
    case = CASES[sys.argv[1]]()
    for given in sys.argv[2:]:
        fork_for(case, int(given))

"""S2: chat to the bare JID of users with two resources; archive, carbons and XEP-0198 on, everything acknowledged.

A message counts when the server has acknowledged it (``<a h=…/>``); at the end every copy must have arrived.
"""

import re
import time
from collections import deque
from dataclasses import dataclass

from benchmarks.load.client import Client, Script, counted
from benchmarks.load.flow import Flow
from benchmarks.load.login import Account, expect, user_name
from benchmarks.load.loop import LoadError, Loop
from benchmarks.scenarios.base import CLIENT, P50, P99, RATE, Figures, Row, Scenario, Window
from benchmarks.scenarios.chat import BODY, per_message
from benchmarks.servers.base import Needs, Profile, Server

OUTSTANDING = 4
RESOURCES = ("phone", "laptop")
CARBONS = b"<iq type='set' id='c1'><enable xmlns='urn:xmpp:carbons:2'/></iq>"
ENABLE = b"<enable xmlns='urn:xmpp:sm:3' resume='true'/>"
ENABLED = (b"<enabled", b"<failed", b"type='error'", b'type="error"')
ASK = b"<r xmlns='urn:xmpp:sm:3'/>"
ASKED = (b"<r ", b"<r/>")
COPY_END = b"</body>"
ACKNOWLEDGED = re.compile(rb"<a\s[^>]*?\bh=['\"](\d+)['\"][^>]*>")
LONGEST_ACK = 120
DRAIN_S = 10.0


class Devices(Scenario):
    """S2: senders with four unacknowledged messages each; every recipient is a phone and a laptop."""

    deadline_s = 120.0

    def __init__(self, key: str, pairs: int, window: Window, profile: Profile, goal: str) -> None:
        super().__init__(key, with_tls=True)
        where = "SQLite" if profile is Profile.DURABLE else "the server's own files"
        self.title = f"S2 chat to bare JID, two resources, archive ({where}) + carbons + XEP-0198, TLS 1.3"
        self.rows = (Row("cpu_us", "µs a message", goal), P99, P50, RATE, CLIENT)
        self.pairs = pairs
        self.window = window
        self.profile = profile

    def needs(self) -> Needs:
        """Two accounts a pair."""
        return Needs(self.profile, accounts=2 * self.pairs)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Send against acknowledgements, then check that every copy came."""
        senders, receivers = self._connect(server, loop)
        flow = Flow()
        copies = _Copies()
        for receiver in receivers:
            _Receiver(receiver, copies)
        lanes = [
            _Sender(flow, sender, f"{user_name(2 * number + 1)}@localhost")
            for number, sender in enumerate(senders)
        ]
        for lane in lanes:
            lane.send(OUTSTANDING)
        cost = flow.measured(loop, server.pid, self.window.warm_s, self.window.measured_s)
        wanted = len(RESOURCES) * sum(lane.sent for lane in lanes)
        loop.run_until(lambda: copies.count >= wanted, "waiting for the last copies", DRAIN_S)
        loop.settle()
        if copies.count != wanted:
            raise LoadError(f"{copies.count} copies arrived where {wanted} were due")
        return per_message(cost, flow)

    def _connect(self, server: Server, loop: Loop) -> tuple[list[Client], list[Client]]:
        sending = [Account(user_name(2 * number)) for number in range(self.pairs)]
        receiving = [
            Account(user_name(2 * number + 1), resource)
            for number in range(self.pairs)
            for resource in RESOURCES
        ]
        connections = self.log_in(server, loop, [*sending, *receiving])
        loop.settle()
        enable(loop, connections)
        return connections[: self.pairs], connections[self.pairs :]


@dataclass(slots=True)
class _Copies:
    count: int = 0


class _Sender:
    """Keeps four messages unacknowledged, asking for an acknowledgement after each."""

    __slots__ = ("_acknowledged", "_connection", "_flow", "_message", "_stamps", "_tail", "sent")

    def __init__(self, flow: Flow, connection: Client, to: str) -> None:
        self._flow = flow
        self._connection = connection
        self._message = (
            b"<message to='%b' type='chat' id='m1'><body>%b</body></message>" % (to.encode(), BODY) + ASK
        )
        self._stamps: deque[float] = deque()
        self._tail = b""
        self._acknowledged = 0
        self.sent = 0
        connection.receive = self.receive

    def send(self, count: int) -> None:
        """Send so many messages now."""
        self._stamps.extend([time.perf_counter()] * count)
        self.sent += count
        self._connection.send(self._message * count)

    def receive(self, data: bytes) -> None:
        """Look for the greatest h."""
        data = self._tail + data
        self._tail = data[-LONGEST_ACK:]
        handled = [int(h) for h in ACKNOWLEDGED.findall(data)]
        if not handled or handled[-1] <= self._acknowledged:
            return
        count = handled[-1] - self._acknowledged
        self._acknowledged = handled[-1]
        now = time.perf_counter()
        self._flow.count += count
        self._flow.latencies_s.extend([now - self._stamps.popleft() for _ in range(count)])
        if self._flow.is_open:
            self.send(count)


class _Receiver:
    """Counts copies and acknowledges them when asked."""

    __slots__ = ("_connection", "_copies", "_count", "_handled")

    def __init__(self, connection: Client, copies: _Copies) -> None:
        self._connection = connection
        self._copies = copies
        self._handled = 0
        self._count = counted(COPY_END, self._arrived)
        connection.receive = self.receive

    def receive(self, data: bytes) -> None:
        """Count, then answer a request if there was one; one split over two reads is asked for again later."""
        self._count(data)
        if any(request in data for request in ASKED):
            self._connection.send(b"<a xmlns='urn:xmpp:sm:3' h='%d'/>" % self._handled)

    def _arrived(self, count: int) -> None:
        self._handled += count
        self._copies.count += count


def enable(loop: Loop, connections: list[Client]) -> None:
    """Turn carbons and XEP-0198 on for all of them."""
    ready = 0

    def enabled() -> None:
        nonlocal ready
        ready += 1

    for connection in connections:
        connection.on_script_end = enabled
        connection.run(_enabling(connection))
    loop.run_until(lambda: ready == len(connections), "enabling carbons and XEP-0198")
    loop.settle()


def _enabling(connection: Client) -> Script:
    connection.send(CARBONS)
    yield (b"c1",)
    connection.send(ENABLE)
    expect((yield ENABLED), b"<enabled")

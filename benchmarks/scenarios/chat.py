"""S1, S1 paced, S1d: chat messages with a body of 100 bytes to full JIDs; and S1 with ever more sessions."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

from benchmarks.load.client import Client, counted
from benchmarks.load.flow import Flow, Lane
from benchmarks.load.login import Account, user_name
from benchmarks.load.loop import LoadError, Loop
from benchmarks.measure import Cost, Stopwatch, percentile
from benchmarks.scenarios.base import (
    CLIENT,
    MS_A_SECOND,
    P50,
    P99,
    RATE,
    US_A_SECOND,
    Figures,
    Row,
    Scenario,
    Window,
    way,
)
from benchmarks.servers.base import Needs, Profile, Server

OUTSTANDING = 4
BODY = b"x" * 100
END = b"</message>"
PACE_A_SECOND = 500
UNDER_WAY = 50
"""In the growth runs so many messages are under way, whatever the number of sessions: one for each pair at the least.

With more than one for a pair, few sessions would share reads and writes among messages, and many would not.
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """One sends, the other receives."""

    sender: Client
    receiver: Client
    message: bytes


class Chat(Scenario):
    """S1: pairs with four messages outstanding each."""

    title = "S1 chat to full JID"
    profile = Profile.LEAN

    def __init__(self, key: str, with_tls: bool, pairs: int, window: Window, goal: str) -> None:
        super().__init__(key, with_tls)
        self.title = f"{self.title}, {pairs} pairs, {way(with_tls)}"
        self.rows = (Row("cpu_us", "µs a message", goal), P99, P50, RATE, CLIENT)
        self.pairs = pairs
        self.window = window

    def needs(self) -> Needs:
        """Two accounts a pair."""
        return Needs(self.profile, accounts=2 * self.pairs)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Keep every pair busy."""
        pairs = self.connect(server, loop)
        flow = Flow()
        for pair in pairs:
            Lane(flow, pair.sender, pair.message, OUTSTANDING).start(pair.receiver, END)
        cost = flow.measured(loop, server.pid, self.window.warm_s, self.window.measured_s)
        return per_message(cost, flow)

    def connect(self, server: Server, loop: Loop) -> list[Pair]:
        """Log both sides of all pairs in and wait until all is quiet."""
        accounts = [Account(user_name(number)) for number in range(2 * self.pairs)]
        connections = self.log_in(server, loop, accounts)
        loop.settle()
        for connection in connections:
            connection.receive = refuse_errors
        halves = zip(connections[::2], connections[1::2], strict=True)
        return [Pair(sender, receiver, message_to(receiver.jid)) for sender, receiver in halves]


class ShippedChat(Chat):
    """S1d: the same on a server as it ships, archive on."""

    title = "S1d chat, server as it ships and archive on"
    profile = Profile.SHIPPED


class PacedChat(Chat):
    """S1 paced: one message every 2 ms over all pairs in turn, whatever the answers."""

    title = f"S1 paced at {PACE_A_SECOND} a second"

    def __init__(self, key: str, with_tls: bool, pairs: int, window: Window, goal: str) -> None:
        super().__init__(key, with_tls, pairs, window, goal)
        self.rows = (self.rows[0], Row("p99_ms", P99.unit, "≤ 0.8"), *self.rows[2:])

    def run(self, server: Server, loop: Loop) -> Figures:
        """Send by the clock."""
        pairs = self.connect(server, loop)
        flow = Flow()
        turns = cycle([(pair, _stamped(flow, pair.receiver)) for pair in pairs])
        _send_by_the_clock(loop, turns, self.window.warm_s)
        flow.reset()
        watch = Stopwatch(server.pid)
        _send_by_the_clock(loop, turns, self.window.measured_s)
        cost = watch.read()
        loop.settle()
        return per_message(cost, flow)


class GrowingChat(Chat):
    """Growth of S1: ever more sessions, all used in turn, the same number of messages under way."""

    deadline_s = 300.0
    most_repeats = 3
    is_growth = True

    def __init__(self, key: str, with_tls: bool, pairs: int, window: Window, goal: str) -> None:
        super().__init__(key, with_tls, pairs, window, goal)
        self.title = f"S1 growth, {2 * pairs:,} sessions, {way(with_tls)}"
        self.rows = (self.rows[0], RATE, CLIENT)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Whenever a message arrives, the next pair in turn sends one."""
        turns = cycle(self.connect(server, loop))
        flow = Flow()

        def arrived(count: int) -> None:
            flow.count += count
            if flow.is_open:
                for _ in range(count):
                    pair = next(turns)
                    pair.sender.send(pair.message)

        for _ in range(self.pairs):
            next(turns).receiver.receive = counted(END, arrived)
        for _ in range(UNDER_WAY):
            pair = next(turns)
            pair.sender.send(pair.message)
        cost = flow.measured(loop, server.pid, self.window.warm_s, self.window.measured_s)
        return per_message(cost, flow)


def message_to(jid: str) -> bytes:
    """Write the message of S1: a chat message with an id and a body of 100 bytes."""
    return b"<message to='%b' type='chat' id='m1'><body>%b</body></message>" % (jid.encode(), BODY)


def refuse_errors(data: bytes) -> None:
    """Receive where nothing but an error can arrive."""
    if b"type='error'" in data or b'type="error"' in data or b"<stream:error" in data:
        raise LoadError(f"an error came back: {data[-400:].decode(errors='replace')}")


def per_message(cost: Cost, flow: Flow) -> Figures:
    """Give the figures of a steady load; raise LoadError when nothing arrived."""
    if not flow.count:
        raise LoadError("nothing arrived")
    return {
        "cpu_us": cost.server_s / flow.count * US_A_SECOND,
        "client_us": cost.client_s / flow.count * US_A_SECOND,
        "rate": flow.count / cost.wall_s,
        "p50_ms": percentile(flow.latencies_s, 50) * MS_A_SECOND,
        "p99_ms": percentile(flow.latencies_s, 99) * MS_A_SECOND,
    }


def _stamped(flow: Flow, receiver: Client) -> deque[float]:
    stamps: deque[float] = deque()

    def arrived(count: int) -> None:
        now = time.perf_counter()
        flow.count += count
        flow.latencies_s.extend([now - stamps.popleft() for _ in range(count)])

    receiver.receive = counted(END, arrived)
    return stamps


def _send_by_the_clock(loop: Loop, turns: Iterator[tuple[Pair, deque[float]]], seconds: float) -> None:
    start = time.perf_counter()
    for number in range(int(seconds * PACE_A_SECOND)):
        due = start + number / PACE_A_SECOND
        while time.perf_counter() < due:
            loop.precise_turn(due)
        pair, stamps = next(turns)
        stamps.append(time.perf_counter())
        pair.sender.send(pair.message)

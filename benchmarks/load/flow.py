"""Closed-loop load: lanes that keep a number of requests outstanding, and the count and latencies of all."""

import time
from collections import deque
from collections.abc import Callable

from benchmarks.load.client import Client, counted
from benchmarks.load.loop import Loop
from benchmarks.measure import Cost, Stopwatch


class Flow:
    """What arrived on all lanes since the last reset."""

    __slots__ = ("count", "is_open", "latencies_s")

    def __init__(self) -> None:
        self.count = 0
        self.is_open = True
        self.latencies_s: list[float] = []

    def reset(self) -> None:
        """Forget what was counted so far (the warm-up)."""
        self.count = 0
        self.latencies_s.clear()

    def measured(self, loop: Loop, pid: int, warm_s: float, measured_s: float) -> Cost:
        """Let the load run, measure it, and close the flow; the count then belongs to the cost."""
        loop.run_for(warm_s)
        self.reset()
        watch = Stopwatch(pid)
        loop.run_for(measured_s)
        cost = watch.read()
        self.is_open = False
        return cost


class Lane:
    """Sends a new request for each that was answered; in order, so that stamps are a queue."""

    __slots__ = ("_bursts", "_flow", "_outstanding", "_sender", "_stamps")

    def __init__(self, flow: Flow, sender: Client, request: bytes, outstanding: int) -> None:
        self._flow = flow
        self._sender = sender
        self._outstanding = outstanding
        packed = sender.packed(request)
        self._bursts = [packed * count for count in range(outstanding + 1)]
        self._stamps: deque[float] = deque()

    def start(self, receiver: Client, token: bytes) -> None:
        """Count ``token`` at the receiver and send the first requests."""
        receiver.receive = counted(token, self.arrived)
        self.send(self._outstanding)

    def send(self, count: int) -> None:
        """Send so many requests now."""
        now = time.perf_counter()
        self._stamps.extend([now] * count)
        self._sender.write(self._bursts[count])

    def arrived(self, count: int) -> None:
        """Note the answers and send as many again."""
        now = time.perf_counter()
        flow, stamps = self._flow, self._stamps
        flow.count += count
        flow.latencies_s.extend([now - stamps.popleft() for _ in range(count)])
        if flow.is_open:
            stamps.extend([now] * count)
            self._sender.write(self._bursts[count])


class FanOut:
    """Sends one stanza that many receive, keeping a few rounds under way."""

    __slots__ = ("_flow", "_received", "_recipients", "_rounds", "_send", "_stamps")

    def __init__(
        self,
        flow: Flow,
        recipients: list[Client],
        token: bytes,
        send: Callable[[], None],
        copies: int = 1,
    ) -> None:
        """*copies*: so many of each are sent to everybody."""
        self._flow = flow
        self._send = send
        self._recipients = len(recipients) * copies
        self._received = 0
        self._rounds = 0
        self._stamps: deque[float] = deque()
        for recipient in recipients:
            recipient.receive = counted(token, self.arrived)

    def start(self, rounds_under_way: int) -> None:
        """Send the first rounds."""
        for _ in range(rounds_under_way):
            self._send_round()

    def arrived(self, count: int) -> None:
        """Note deliveries; a round is over when as many came as there are recipients."""
        self._flow.count += count
        self._received += count
        while self._received >= self._recipients:
            self._received -= self._recipients
            self._rounds += 1
            self._flow.latencies_s.append(time.perf_counter() - self._stamps.popleft())
            if self._flow.is_open:
                self._send_round()

    def measured(self, loop: Loop, pid: int, warm_s: float, measured_s: float) -> Cost:
        """Measure whole rounds only: a long one is computed for seconds before its first delivery arrives."""
        loop.run_for(warm_s)
        self._run_to_end_of_round(loop)
        self._flow.reset()
        watch = Stopwatch(pid)
        loop.run_for(measured_s)
        self._run_to_end_of_round(loop)
        cost = watch.read()
        self._flow.is_open = False
        return cost

    def _run_to_end_of_round(self, loop: Loop) -> None:
        rounds = self._rounds
        loop.run_until(lambda: self._rounds > rounds, "waiting for a stanza to reach everybody")

    def _send_round(self) -> None:
        self._stamps.append(time.perf_counter())
        self._send()

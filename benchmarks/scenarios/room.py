"""S6: groupchat messages in a room (XEP-0045) that many occupy; by the clock, acknowledged, and with ever more."""

import time

from benchmarks.load.client import Client, Script, counted
from benchmarks.load.flow import FanOut, Flow
from benchmarks.load.login import Account, expect, user_name
from benchmarks.load.loop import Loop
from benchmarks.measure import Stopwatch, percentile
from benchmarks.scenarios.base import (
    CLIENT,
    MS_A_SECOND,
    P50,
    P99,
    RATE,
    Figures,
    Row,
    Scenario,
    Window,
    way,
)
from benchmarks.scenarios.chat import BODY, per_message
from benchmarks.scenarios.devices import ASKED, enable
from benchmarks.servers.base import Needs, Profile, Server, Unsupported

ROUNDS_UNDER_WAY = 2
PACE_A_SECOND = 20
DELIVERED = b"</message>"
SELF_PRESENCE = (b"code='110'", b'code="110"', b"type='error'", b'type="error"')
MOST_WHOLE = 1_000
"""Into more the others are not asked to let somebody: they tell everybody of everybody, which is 100,000,000 stanzas
for 10,000 occupants before the first message is sent."""


class Room(Scenario):
    """S6: each round is one message and as many deliveries as there are occupants."""

    deadline_s = 120.0
    profile = Profile.LEAN

    def __init__(self, key: str, with_tls: bool, occupants: int, window: Window, goal: str) -> None:
        super().__init__(key, with_tls)
        self.title = f"S6 room of {occupants:,} occupants, {way(with_tls)}"
        self.rows = (Row("cpu_us", "µs a delivery", goal), P99, P50, RATE, CLIENT)
        self.occupants = occupants
        self.window = window

    def needs(self) -> Needs:
        """An account an occupant, and a room service."""
        return Needs(self.profile, accounts=self.occupants, rooms=True)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Fill the room, then send the next message when one has reached everybody."""
        occupants, message = self.fill(server, loop)
        flow = Flow()
        fan_out = FanOut(flow, occupants, DELIVERED, lambda: occupants[0].send(message))
        self.listen(occupants)
        fan_out.start(ROUNDS_UNDER_WAY)
        cost = fan_out.measured(loop, server.pid, self.window.warm_s, self.window.measured_s)
        return per_message(cost, flow)

    def fill(self, server: Server, loop: Loop) -> tuple[list[Client], bytes]:
        """Give who is in the room, and what the first of them says."""
        accounts = [Account(user_name(number)) for number in range(self.occupants)]
        occupants = self.log_in(server, loop, accounts)
        room = f"room@{server.muc_host()}"
        for number, occupant in enumerate(occupants):
            _join(loop, occupant, f"{room}/{user_name(number)}")
        loop.settle()
        self.filled(loop, occupants)
        body = b"<message to='%b' type='groupchat' id='g1'><body>%b</body></message>"
        return occupants, body % (room.encode(), BODY)

    def filled(self, loop: Loop, occupants: list[Client]) -> None:
        """What is done when all are there: nothing."""

    def listen(self, occupants: list[Client]) -> None:
        """What is done besides counting: nothing."""


class PacedRoom(Room):
    """S6 paced: a message every 50 ms, whatever the answers; when the first copy is there, half of them, and the last.

    One process reads all copies, so that from the first to the last its own work is in what is measured: where it has a
    processor of its own it reads each copy while the server writes the next, and on a busy machine both take turns.
    What it takes for a copy is told beside (``client_us``).
    """

    def __init__(self, key: str, with_tls: bool, occupants: int, window: Window, goal: str) -> None:
        super().__init__(key, with_tls, occupants, window, goal)
        self.title = f"S6 paced at {PACE_A_SECOND} a second, {occupants:,} occupants, {way(with_tls)}"
        self.rows = (
            Row("first_ms", "ms until the first has it, median"),
            Row("half_ms", "ms until half have it, median", goal),
            Row("p50_ms", "ms until the last has it, median"),
            P99,
            Row("cpu_us", "µs a delivery"),
            CLIENT,
        )

    def run(self, server: Server, loop: Loop) -> Figures:
        """Send by the clock."""
        occupants, message = self.fill(server, loop)
        flow = Flow()
        round_ = _Round(flow, occupants, message)
        round_.send_by_the_clock(loop, self.window.warm_s)
        flow.reset()
        round_.firsts_s.clear()
        round_.halves_s.clear()
        watch = Stopwatch(server.pid)
        round_.send_by_the_clock(loop, self.window.measured_s)
        figures = per_message(watch.read(), flow)
        figures["first_ms"] = percentile(round_.firsts_s, 50) * MS_A_SECOND
        figures["half_ms"] = percentile(round_.halves_s, 50) * MS_A_SECOND
        return figures


class _Round:
    """One message to all at a time."""

    __slots__ = ("_flow", "_half", "_message", "_missing", "_occupants", "_sent_at", "firsts_s", "halves_s")

    def __init__(self, flow: Flow, occupants: list[Client], message: bytes) -> None:
        self._flow = flow
        self._message = message
        self._occupants = occupants
        self._half = len(occupants) // 2
        self._missing = 0
        self._sent_at = 0.0
        self.firsts_s: list[float] = []
        """How long it took until the first of them had each message."""
        self.halves_s: list[float] = []
        """How long it took until half of them had each message."""
        for occupant in occupants:
            occupant.receive = counted(DELIVERED, self._arrived)

    def send_by_the_clock(self, loop: Loop, seconds: float) -> None:
        """Send for so long, each when it is due and the one before has reached everybody."""
        start = time.perf_counter()
        for number in range(int(seconds * PACE_A_SECOND)):
            due = start + number / PACE_A_SECOND
            while time.perf_counter() < due:
                loop.precise_turn(due)
            self._missing, self._sent_at = len(self._occupants), time.perf_counter()
            self._occupants[0].send(self._message)
            loop.run_until(self._is_over, "waiting for a message to reach everybody")

    def _arrived(self, count: int) -> None:
        self._flow.count += count
        if self._missing == len(self._occupants):
            self.firsts_s.append(time.perf_counter() - self._sent_at)
        if self._missing > self._half >= self._missing - count:
            self.halves_s.append(time.perf_counter() - self._sent_at)
        self._missing -= count
        if not self._missing:
            self._flow.latencies_s.append(time.perf_counter() - self._sent_at)

    def _is_over(self) -> bool:
        return self._missing <= 0


class KeptRoom(Room):
    """S6 kept: the room has an archive, every occupant XEP-0198, and acknowledges when it is asked."""

    profile = Profile.DURABLE

    def __init__(self, key: str, with_tls: bool, occupants: int, window: Window, goal: str) -> None:
        super().__init__(key, with_tls, occupants, window, goal)
        self.title = f"S6 room of {occupants:,}, archive + XEP-0198, {way(with_tls)}"

    def filled(self, loop: Loop, occupants: list[Client]) -> None:
        """Enable XEP-0198: what is counted begins with it."""
        enable(loop, occupants)

    def listen(self, occupants: list[Client]) -> None:
        """Acknowledge what is asked for."""
        for occupant in occupants:
            _Acknowledging(occupant)


class GrowingRoom(Room):
    """Growth of S6."""

    deadline_s = 400.0
    most_repeats = 3
    is_growth = True

    def run(self, server: Server, loop: Loop) -> Figures:
        """The same, as far as the room can be filled."""
        if self.occupants > MOST_WHOLE and server.name != "xmppd":
            raise Unsupported(f"it tells all of {self.occupants:,} of each other")
        return super().run(server, loop)


class _Acknowledging:
    """Hands on what comes, and says how many messages it has had where the server asks."""

    __slots__ = ("_connection", "_count", "_hand_on", "_handled")

    def __init__(self, connection: Client) -> None:
        self._connection = connection
        self._hand_on = connection.receive
        self._handled = 0
        self._count = counted(DELIVERED, self._arrived)
        connection.receive = self.receive

    def _arrived(self, count: int) -> None:
        self._handled += count

    def receive(self, data: bytes) -> None:
        """Count, hand on, and answer a request; one split over two reads is asked for again later."""
        self._count(data)
        self._hand_on(data)
        if any(request in data for request in ASKED):
            self._connection.send(b"<a xmlns='urn:xmpp:sm:3' h='%d'/>" % self._handled)


def _join(loop: Loop, occupant: Client, address: str) -> None:
    joined: list[bool] = []
    occupant.on_script_end = lambda: joined.append(True)
    occupant.run(_joining(occupant, address))
    loop.run_until(lambda: bool(joined), "joining the room")


def _joining(occupant: Client, address: str) -> Script:
    occupant.send(
        f"<presence to='{address}'><x xmlns='http://jabber.org/protocol/muc'>"
        "<history maxstanzas='0'/></x></presence>".encode()
    )
    expect((yield SELF_PRESENCE), b"110")

"""S6: groupchat messages in a room (XEP-0045) that many occupy."""

from benchmarks.load.client import Client, Script
from benchmarks.load.flow import FanOut, Flow
from benchmarks.load.login import Account, expect, user_name
from benchmarks.load.loop import Loop
from benchmarks.scenarios.base import CLIENT, P50, P99, RATE, Figures, Row, Scenario, Window, way
from benchmarks.scenarios.chat import BODY, per_message
from benchmarks.servers.base import Needs, Server

ROUNDS_UNDER_WAY = 2
DELIVERED = b"</message>"
SELF_PRESENCE = (b"code='110'", b'code="110"', b"type='error'", b'type="error"')


class Room(Scenario):
    """S6: each round is one message and as many deliveries as there are occupants."""

    deadline_s = 120.0

    def __init__(self, key: str, with_tls: bool, occupants: int, window: Window, goal: str) -> None:
        super().__init__(key, with_tls)
        self.title = f"S6 room of {occupants:,} occupants, {way(with_tls)}"
        self.rows = (Row("cpu_us", "µs a delivery", goal), P99, P50, RATE, CLIENT)
        self.occupants = occupants
        self.window = window

    def needs(self) -> Needs:
        """An account an occupant, and a room service."""
        return Needs(accounts=self.occupants, rooms=True)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Fill the room, then send the next message when one has reached everybody."""
        accounts = [Account(user_name(number)) for number in range(self.occupants)]
        occupants = self.log_in(server, loop, accounts)
        room = f"room@{server.muc_host()}"
        for number, occupant in enumerate(occupants):
            _join(loop, occupant, f"{room}/{user_name(number)}")
        loop.settle()
        flow = Flow()
        message = b"<message to='%b' type='groupchat' id='g1'><body>%b</body></message>" % (
            room.encode(),
            BODY,
        )
        fan_out = FanOut(flow, occupants, DELIVERED, lambda: occupants[0].send(message))
        fan_out.start(ROUNDS_UNDER_WAY)
        cost = fan_out.measured(loop, server.pid, self.window.warm_s, self.window.measured_s)
        return per_message(cost, flow)


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

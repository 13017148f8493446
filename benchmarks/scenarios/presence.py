"""S5: one user's presence to many contacts that are online; and with ever more contacts."""

from benchmarks.load.flow import FanOut, Flow
from benchmarks.load.login import Account, user_name
from benchmarks.load.loop import Loop
from benchmarks.scenarios.base import CLIENT, P50, P99, RATE, Figures, Row, Scenario, Window, way
from benchmarks.scenarios.chat import per_message
from benchmarks.servers.base import Needs, Server

ROUNDS_UNDER_WAY = 2
PRESENCE = b"<presence><show>away</show><status>out for a while</status></presence>"
DELIVERED = b"<presence "


class Presence(Scenario):
    """S5: each round is one presence and as many deliveries as there are contacts."""

    deadline_s = 120.0

    def __init__(self, key: str, with_tls: bool, contacts: int, window: Window, goal: str) -> None:
        super().__init__(key, with_tls)
        self.title = f"S5 presence to {contacts:,} online contacts, {way(with_tls)}"
        self.rows = (Row("cpu_us", "µs a delivery", goal), P99, P50, RATE, CLIENT)
        self.contacts = contacts
        self.window = window

    def needs(self) -> Needs:
        """The user, the contacts, and their rosters."""
        return Needs(accounts=self.contacts + 1, contacts=self.contacts)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Send the next presence when one has reached everybody."""
        accounts = [Account(user_name(number)) for number in range(self.contacts + 1)]
        user, *contacts = self.log_in(server, loop, accounts)
        loop.settle()
        flow = Flow()
        fan_out = FanOut(flow, contacts, DELIVERED, lambda: user.send(PRESENCE))
        fan_out.start(ROUNDS_UNDER_WAY)
        cost = fan_out.measured(loop, server.pid, self.window.warm_s, self.window.measured_s)
        return per_message(cost, flow)


class GrowingPresence(Presence):
    """Growth of S5."""

    deadline_s = 300.0
    most_repeats = 3
    is_growth = True

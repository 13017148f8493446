"""S7: pings to the server itself (XEP-0199)."""

from benchmarks.load.flow import Flow, Lane
from benchmarks.load.login import HOST, Account, user_name
from benchmarks.load.loop import Loop
from benchmarks.scenarios.base import CLIENT, P50, P99, RATE, Figures, Row, Scenario, Window, way
from benchmarks.scenarios.chat import per_message
from benchmarks.servers.base import Needs, Server

OUTSTANDING = 4
PING = f"<iq to='{HOST}' type='get' id='p1'><ping xmlns='urn:xmpp:ping'/></iq>".encode()
ANSWER = b"<iq "


class Ping(Scenario):
    """S7: connections with four pings outstanding each."""

    def __init__(self, key: str, with_tls: bool, connections: int, window: Window, goal: str) -> None:
        super().__init__(key, with_tls)
        self.title = f"S7 ping, {connections} connections, {way(with_tls)}"
        self.rows = (Row("cpu_us", "µs a ping", goal), P99, P50, RATE, CLIENT)
        self.connections = connections
        self.window = window

    def needs(self) -> Needs:
        """An account a connection."""
        return Needs(accounts=self.connections)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Keep every connection busy."""
        accounts = [Account(user_name(number)) for number in range(self.connections)]
        connections = self.log_in(server, loop, accounts)
        loop.settle()
        flow = Flow()
        for connection in connections:
            Lane(flow, connection, PING, OUTSTANDING).start(connection, ANSWER)
        cost = flow.measured(loop, server.pid, self.window.warm_s, self.window.measured_s)
        return per_message(cost, flow)

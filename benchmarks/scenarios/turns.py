"""Fairness: the longest turn of xmppd's reactor under another scenario's load, its logins and the start included."""

from collections.abc import Iterable
from dataclasses import replace

from benchmarks.load.client import Client
from benchmarks.load.login import Account, log_in_all
from benchmarks.load.loop import Loop
from benchmarks.scenarios.base import Figures, Row, Scenario
from benchmarks.scenarios.sessions import Login
from benchmarks.servers.base import Needs, Server


class Turns(Scenario):
    """Runs a scenario and looks at the server's reactor instead of at the scenario's own figures."""

    rows = (
        Row("longest_ms", "ms of CPU, the longest turn", "< 20"),
        Row("long", "turns beyond 20 ms", is_main=False),
        Row("turns", "turns", is_main=False),
    )
    most_repeats = 3

    def __init__(self, key: str, load: Scenario) -> None:
        super().__init__(key, load.with_tls)
        self.title = f"Turns under {load.title}"
        self.deadline_s = load.deadline_s
        self.is_growth = load.is_growth
        self._load = load

    def needs(self) -> Needs:
        """What the load needs, and a clock in the reactor."""
        return replace(self._load.needs(), turns=True)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Apply the load; give what was seen from the first turn on, in which the server begins to accept."""
        self._load.run(server, loop)
        return server.turns()


class Storm(Login):
    """Everybody logs in at once, as after a restart."""

    def __init__(self, key: str, with_tls: bool, logins: int) -> None:
        super().__init__(key, with_tls, logins, "–")
        self.title = f"a storm of {logins:,} logins at once"

    def log_in(self, server: Server, loop: Loop, accounts: Iterable[Account]) -> list[Client]:
        """Wait for nobody."""
        everybody = list(accounts)
        return log_in_all(loop, self.address(server), everybody, at_once=len(everybody))

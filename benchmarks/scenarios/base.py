"""A scenario: what it needs, how it applies its load, which figures it gives."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.load.client import Client
from benchmarks.load.login import Account, Address, log_in_all
from benchmarks.load.loop import Loop
from benchmarks.load.tls import client_context
from benchmarks.servers.base import Needs, Server

US_A_SECOND = 1e6
MS_A_SECOND = 1e3

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: a figure's name in what ``run`` gives, its unit, and the goal for xmppd."""

    figure: str
    unit: str
    goal: str = "–"
    is_main: bool = True


CLIENT = Row("client_us", "µs of the client's CPU", is_main=False)
RATE = Row("rate", "a second", is_main=False)
P50 = Row("p50_ms", "ms, median latency", is_main=False)
P99 = Row("p99_ms", "ms, 99th percentile", is_main=False)


class Scenario(ABC):
    """One line or more of the table, for one way of connecting."""

    title = ""
    rows: tuple[Row, ...] = ()
    deadline_s = 60.0
    most_repeats = 100
    is_growth = False

    def __init__(self, key: str, with_tls: bool) -> None:
        self.key = key
        self.with_tls = with_tls

    @abstractmethod
    def needs(self) -> Needs:
        """Say what the server must be configured and seeded with."""

    @abstractmethod
    def run(self, server: Server, loop: Loop) -> Figures:
        """Apply the load to a running server and give the figures by name."""

    def address(self, server: Server) -> Address:
        """Give where and how this scenario connects."""
        return Address(server.port, client_context() if self.with_tls else None)

    def log_in(self, server: Server, loop: Loop, accounts: Iterable[Account]) -> list[Client]:
        """Log all in, by TLS where the scenario says so."""
        return log_in_all(loop, self.address(server), accounts)


@dataclass(frozen=True, slots=True)
class Window:
    """How long a steady load runs before it is measured, and while."""

    warm_s: float
    measured_s: float


def way(with_tls: bool) -> str:
    """Name the way of connecting for a title."""
    return "TLS 1.3" if with_tls else "plaintext"

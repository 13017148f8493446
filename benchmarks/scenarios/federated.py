"""S10: chat messages from one server to another of the same kind, under TLS, by certificates; S1-queue and
S1d-queue: what a queue for a dead domain costs the others.

These servers stand beside that of the run, which is idle; they find each other by a small name server on loopback.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.load.client import Client, ignore
from benchmarks.load.flow import Flow, Lane
from benchmarks.load.login import Account, Address, log_in_all, user_name
from benchmarks.load.loop import LoadError, Loop
from benchmarks.measure import Cost, Stopwatch
from benchmarks.scenarios.base import CLIENT, P50, P99, RATE, US_A_SECOND, Figures, Row, Scenario, Window
from benchmarks.scenarios.chat import END, OUTSTANDING, message_to, per_message, refuse_errors
from benchmarks.servers.base import Needs, Server, Unsupported
from tests.forked import xmppctl
from tests.interop.names import NameServer, serving
from tests.interop.others import Ejabberd, Other, Prosody, missing
from tests.sockets.peers import PASSWORD, Domains, XmppdPeer, free_port

ONE, TWO = "one.example", "two.example"
OTHERS: Final[dict[str, type[Other]]] = {"prosody": Prosody, "ejabberd": Ejabberd}
TARGET: Final = "127.0.0.1"
DEAD: Final = "dead.example"
QUEUED: Final = 10_000
WINDOWS: Final = 5
"""The median of so many is taken."""
SETTLE_S: Final = 2.0
ENABLE = b"<enable xmlns='urn:xmpp:sm:3'/>"
OPTIONS: Final = 'allow_loopback = true\nresolvers = ["127.0.0.1:{dns}"]\n'
LIMITS: Final = "[limits]\nconnections_per_address = 100_000\n"
OFF: Final = "".join(f"[modules.{name}]\nenabled = false\n" for name in ("mam", "carbons", "csi"))
"""As the others have it: no archive, no copies."""


class Federated(Scenario):
    """One sends to the other, whose clients receive."""

    deadline_s = 180.0

    def __init__(self, key: str, pairs: int, window: Window, *, is_acknowledged: bool) -> None:
        """*is_acknowledged*: the senders use XEP-0198, so that xmppd keeps each message until it has arrived."""
        super().__init__(key, with_tls=False)
        how = "senders acknowledged" if is_acknowledged else "senders not acknowledged"
        self.title = f"S10 chat to another server, {pairs} pairs, {how}"
        goal = "≤ half of the better peer"
        self.rows = (
            Row("sender_us", "µs a message, sending server", goal),
            Row("receiver_us", "µs a message, receiving server", goal),
            P99,
            P50,
            RATE,
            CLIENT,
        )
        self.pairs = pairs
        self.window = window
        self.is_acknowledged = is_acknowledged

    def needs(self) -> Needs:
        """Nothing: it brings its own."""
        return Needs()

    def run(self, server: Server, loop: Loop) -> Figures:
        """Start two, connect, and keep every pair busy."""
        with tempfile.TemporaryDirectory(prefix="xmppd-benchmarks-") as folder:
            two = Two(Path(folder), server.name, [user_name(number) for number in range(self.pairs)])
            try:
                return self._measure(two, loop)
            finally:
                two.stop()

    def _measure(self, two: "Two", loop: Loop) -> Figures:
        sides = []
        for domain, port in two.ports.items():
            accounts = [Account(user, domain=domain, password=PASSWORD) for user in two.users]
            sides.append(log_in_all(loop, Address(port, None), accounts))
        loop.settle()
        senders, receivers = sides
        flow = Flow()
        for sender, receiver in zip(senders, receivers, strict=True):
            sender.receive = refuse_errors
            if self.is_acknowledged:
                sender.send(ENABLE)
            Lane(flow, sender, message_to(receiver.jid), OUTSTANDING).start(receiver, END)
        loop.run_for(self.window.warm_s)
        flow.reset()
        watches = [Stopwatch(pid) for pid in two.pids]
        loop.run_for(self.window.measured_s)
        costs = [watch.read() for watch in watches]
        flow.is_open = False
        return _figures(costs, flow)


class Two:
    """Two servers of one kind."""

    def __init__(self, folder: Path, kind: str, users: list[str]) -> None:
        """*kind* is the name of a server of the table; `Unsupported`."""
        self.users = users
        self._domains = Domains(folder, ONE, TWO)
        self._names = NameServer(
            {
                name: records
                for domain in (ONE, TWO)
                for name, records in serving(domain, self._domains.ports[domain], target=TARGET).items()
            }
        )
        self._servers: list[XmppdPeer | Other] = []
        try:
            for domain in (ONE, TWO):
                self._servers.append(self._start(kind, domain))
        except BaseException:
            self.stop()
            raise

    @property
    def ports(self) -> dict[str, int]:
        """Where clients connect, by domain: the sending server's first."""
        return {ONE: self._servers[0].client_port, TWO: self._servers[1].client_port}

    @property
    def pids(self) -> list[int]:
        """Their processes."""
        return [each.pid for each in self._servers]

    def stop(self) -> None:
        """End both."""
        for each in self._servers:
            each.stop()
        self._names.stop()

    def _start(self, kind: str, domain: str) -> XmppdPeer | Other:
        first, rest = self.users[0], tuple(self.users[1:])
        if kind == "xmppd":
            options = OPTIONS.format(dns=self._names.port) + LIMITS + OFF
            return XmppdPeer(self._domains, domain, first, options, is_routed=False, others=rest)
        other = OTHERS.get(kind)
        lacking = f"{kind} as a pair" if other is None else missing(other)
        if other is None or lacking is not None:
            raise Unsupported(f"{lacking} is not there")
        return other(self._domains, domain, first, self._names.port, others=rest, level="warn")


def _figures(costs: list[Cost], flow: Flow) -> Figures:
    """Give what each side has cost."""
    figures = per_message(costs[0], flow)
    del figures["cpu_us"]
    sides = ("sender_us", "receiver_us")
    figures.update(
        (name, cost.server_s / flow.count * US_A_SECOND) for name, cost in zip(sides, costs, strict=True)
    )
    return figures


class BesideAQueue(Scenario):
    """S1 on two servers in turn, of which one keeps 10,000 messages for a domain whose server does not answer.

    In turn, for what has run longer, and what else the machine does, would be taken for the cost of the queue.
    """

    deadline_s = 180.0

    def __init__(self, key: str, pairs: int, window: Window, *, has_archive: bool) -> None:
        super().__init__(key, with_tls=False)
        how = "archive on" if has_archive else "no archive"
        self.title = f"Chat, {pairs} pairs, {how}, beside a queue of {QUEUED:,} for a dead domain"
        self.rows = (
            Row("ratio", "× the same without it", "≤ 1.05"),
            Row("cpu_us", "µs a message", is_main=False),
        )
        self.pairs = pairs
        self.window = window
        self.options = LIMITS if has_archive else LIMITS + OFF

    def needs(self) -> Needs:
        """Nothing: it brings its own."""
        return Needs()

    def run(self, server: Server, loop: Loop) -> Figures:
        """Fill the queue of the one, and measure both in turn."""
        if server.name != "xmppd":
            raise Unsupported("its queues are not kept on disk")
        users = [user_name(number) for number in range(2 * self.pairs)]
        with ExitStack() as stack:
            alone, beside = (stack.enter_context(_with_a_dead_domain(users, self.options)) for _ in range(2))
            return self._measure(alone, beside, loop, users)

    def _measure(self, alone: XmppdPeer, beside: XmppdPeer, loop: Loop, users: list[str]) -> Figures:
        accounts = [Account(user, domain=ONE, password=PASSWORD) for user in users]
        clients = {
            each: log_in_all(loop, Address(each.client_port, None), accounts) for each in (alone, beside)
        }
        loop.settle()
        for writer, *_ in clients.values():
            writer.receive = ignore
            writer.send(ENABLE)  # what is not acknowledged is kept in memory alone
        for _ in range(QUEUED):
            clients[beside][0].send(message_to(f"nobody@{DEAD}"))
        loop.settle(SETTLE_S)
        costs: dict[XmppdPeer, list[float]] = {alone: [], beside: []}
        for number in range(WINDOWS):
            for each in (alone, beside) if number % 2 else (beside, alone):
                costs[each].append(self._chat(clients[each], each, loop))
        if (waiting := _waiting(beside)) != QUEUED:
            raise LoadError(f"{waiting:,} wait for the dead domain, not {QUEUED:,}")
        return {"ratio": median(costs[beside]) / median(costs[alone]), "cpu_us": median(costs[beside])}

    def _chat(self, connections: list[Client], peer: XmppdPeer, loop: Loop) -> float:
        flow = Flow()
        for sender, receiver in zip(connections[::2], connections[1::2], strict=True):
            Lane(flow, sender, message_to(receiver.jid), OUTSTANDING).start(receiver, END)
        cost = flow.measured(loop, peer.pid, self.window.warm_s, self.window.measured_s)
        loop.settle()
        return per_message(cost, flow)["cpu_us"]


@contextmanager
def _with_a_dead_domain(users: list[str], options: str) -> Iterator[XmppdPeer]:
    """Run a server that knows where the dead domain would be, and finds nobody there."""
    with tempfile.TemporaryDirectory(prefix="xmppd-benchmarks-") as name:
        domains = Domains(Path(name), ONE)
        domains.ports[DEAD] = domains.direct_ports[DEAD] = free_port()
        peer = XmppdPeer(domains, ONE, users[0], options, others=tuple(users[1:]))
        try:
            yield peer
        finally:
            peer.stop()


def _waiting(peer: XmppdPeer) -> int:
    """Give how many stanzas wait for other servers."""
    config = peer.folder / "xmppd.toml"
    listed = xmppctl("--config", config, "s2s", "list", "--json", folder=peer.folder)
    listed.check_returncode()
    return sum(row["waiting"] for row in json.loads(listed.stdout)["queues"])

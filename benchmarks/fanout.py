"""What one stanza to many costs before the sockets: ``python -m benchmarks.fanout``.

In this process, without a network: sessions on connections that keep nothing, with and without XEP-0198, 200 and 1,500
of them. A round is one stanza to all; with XEP-0198 the clients acknowledge between the rounds, which is not timed, so
that queues are as long as in a room that is read. Told are the median and the best of the rounds, in µs of the
process's CPU for a copy, when the last copy of a round is written, and what a session keeps of a copy until it is
acknowledged (by tracemalloc, in rounds of their own).
"""

import argparse
import gc
import statistics
import time
import tracemalloc
from typing import Any

from twisted.internet.task import Clock

from xmppd.core.fanout import Fanout
from xmppd.core.host import Hosts
from xmppd.core.registry import SessionRegistry
from xmppd.core.session import Session
from xmppd.core.timers import Timers
from xmppd.services.inbox.inbox import Inbox
from xmppd.services.stream_management.ledger import Settings, StreamLedger
from xmppd.services.stream_management.records import Key
from xmppd.services.stream_management.rounds import Rounds
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.memory import MemoryStorage
from xmppd.stream.framing import TCPFraming

SIZES = (200, 1_500)
MESSAGE = Stanza.make(
    "message",
    b"<body>%b</body><stanza-id xmlns='urn:xmpp:sid:0' by='room@rooms.localhost' id='0123456789abcdef'/>"
    % (b"x" * 100),
    from_="room@rooms.localhost/romeo",
    id="0123456789",
    type="groupchat",
)
US, MS = 1e6, 1e3
KEPT_ROUNDS = 20


class Nowhere:
    """A connection that throws away what is written, as quickly as a transport keeps it."""

    unsent_bytes = 0

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Take *data*."""
        self.written.append(data)

    def loseConnection(self) -> None:
        """Nothing to lose."""

    def clear(self) -> None:
        """Forget what was written."""
        self.written.clear()


class Nobody:
    """Accounts of which there are none."""

    def exists(self, bare_jid: str) -> bool:
        """There is none."""
        return False


def sessions(count: int, with_acks: bool) -> list[Session]:
    """Give so many available resources."""
    registry = SessionRegistry()
    clock = Clock()
    settings = Settings(600, 10_000, 8 * 1024 * 1024, 25)
    storage, timers = MemoryStorage(), Timers(clock)
    rounds = Rounds(storage, timers)
    router: Any = None  # nothing is routed here
    inbox = Inbox(Hosts(), registry, router, Nobody(), storage, timers, clock.seconds, "x".__mul__)
    made = []
    for number in range(count):
        session: Any = Session(Nowhere(), TCPFraming(), registry)
        session.notopen, session.roster, session.type = False, object(), "c2s"
        jid = JID.parse(f"user{number}@localhost/phone")
        registry.bind(session, jid)
        if with_acks:
            key = Key(jid.bare, "phone", f"session{number}")
            ledger = StreamLedger(session, key, settings, rounds, inbox, clock.seconds)
            ledger.is_resumable = ledger.incoming.is_recorded = True
            session.ledger = ledger
            session.stanza_filters = (ledger.outbound,)
        made.append(session)
    return made


def send(to: list[Session]) -> None:
    """One stanza to all, as a room sends it."""
    fanout = Fanout(MESSAGE)
    for session in to:
        fanout.send(session, session.full_jid or "")


def acknowledge(those: list[Session]) -> None:
    """All clients have handled all they were sent."""
    for session in those:
        conn: Any = session.conn
        conn.clear()
        ledger: Any = session.ledger
        if ledger is not None:
            ledger.acknowledge(ledger.outgoing.sent)


def measure(count: int, with_acks: bool, rounds: int) -> tuple[float, float, float, float]:
    """Give µs a copy (median, best), ms until the last is written (median), and bytes that are kept of a copy."""
    those = sessions(count, with_acks)
    costs, ends = [], []
    gc.collect()
    gc.disable()
    for _ in range(rounds):
        began_s, began_cpu_s = time.perf_counter(), time.thread_time()
        send(those)
        costs.append((time.thread_time() - began_cpu_s) / count * US)
        ends.append((time.perf_counter() - began_s) * MS)
        acknowledge(those)
    gc.enable()
    return statistics.median(costs), min(costs), statistics.median(ends), kept(those)


def kept(those: list[Session]) -> float:
    """Give how many bytes a copy takes that nobody has acknowledged, once it is written."""
    send(those)
    acknowledge(those)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(KEPT_ROUNDS):
        send(those)
        for session in those:
            conn: Any = session.conn
            conn.clear()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return (after - before) / KEPT_ROUNDS / len(those)


def main() -> None:
    """Print a line for each size, with and without XEP-0198."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fanout", description=__doc__)
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    print(f"a stanza of {len(MESSAGE.to_bytes())} bytes, {rounds} rounds")
    for with_acks in (False, True):
        for count in SIZES:
            median, best, last, size = measure(count, with_acks, rounds)
            how = "with XEP-0198" if with_acks else "without"
            print(
                f"to {count:5,} {how:14} {median:5.2f} µs a copy (best {best:.2f}), "
                f"the last after {last:.2f} ms, {size:.0f} bytes kept"
            )


if __name__ == "__main__":
    main()

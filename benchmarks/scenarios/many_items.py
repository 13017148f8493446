"""S11: much that lies in nodes: pages of ten thousand items, and all that many contacts have published last."""

import re
import time
from functools import partial
from typing import Final

from benchmarks.load.client import Client, counted
from benchmarks.load.flow import Flow, Lane
from benchmarks.load.login import Account, user_name
from benchmarks.load.loop import LoadError, Loop
from benchmarks.measure import Stopwatch, percentile
from benchmarks.scenarios.base import MS_A_SECOND, P99, RATE, Figures, Row, Scenario, Window
from benchmarks.scenarios.nodes import FEATURES, NOTIFIED, NS, answer, ask, presence_with, request_of
from benchmarks.servers.base import Needs, Server, Unsupported

NODE: Final = "urn:example:notes"
PAGE: Final = 100
WRITERS: Final = 10
"""Clients of the account that fill the node together."""
LAST: Final = re.compile(rb"<last>([^<]+)</last>")
OPTIONS: Final = (
    "<publish-options><x xmlns='jabber:x:data' type='submit'>"
    f"<field var='FORM_TYPE' type='hidden'><value>{NS}#publish-options</value></field>"
    "<field var='pubsub#max_items'><value>max</value></field></x></publish-options>"
)
NODES: Final = tuple(f"urn:example:node-{number}" for number in range(5))
WANTED: Final = (FEATURES[0], *(f"{node}+notify" for node in NODES))
QUIET_S: Final = 1.0


class ItemPages(Scenario):
    """An account reads a long node page by page, again and again, while others write to each other."""

    deadline_s = 300.0
    most_repeats = 3

    def __init__(self, key: str, items: int, window: Window) -> None:
        super().__init__(key, with_tls=False)
        self.title = f"S11 a message while pages of {PAGE} are read from a node of {items:,} items"
        self.rows = (P99, RATE, Row("pages", "pages a second", is_main=False))
        self.items = items
        self.window = window

    def needs(self) -> Needs:
        """The reader, and two who write to each other."""
        return Needs(accounts=3, pep=True)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Fill the node, then read and write."""
        if server.name != "xmppd":
            raise Unsupported("it keeps fewer items by default")
        writers = [Account(user_name(0), f"r{number}") for number in range(WRITERS)]
        *clients, sender, receiver = self.log_in(
            server, loop, [*writers, Account(user_name(1)), Account(user_name(2))]
        )
        self._fill(loop, clients)
        pages = _Pages(clients[0])
        flow = Flow()
        message = f"<message to='{receiver.jid}' type='chat' id='m1'><body>{'x' * 100}</body></message>"
        Lane(flow, sender, message.encode(), 1).start(receiver, b"</message>")
        pages.next()
        cost = flow.measured(loop, server.pid, self.window.warm_s, self.window.measured_s)
        if not pages.count:
            raise LoadError("no page has come")
        return {
            "p99_ms": percentile(flow.latencies_s, 99) * MS_A_SECOND,
            "rate": flow.count / cost.wall_s,
            "pages": pages.count / (self.window.warm_s + cost.wall_s),
        }

    def _fill(self, loop: Loop, clients: list[Client]) -> None:
        for start in range(0, self.items, len(clients)):
            ask(
                loop,
                {
                    client: request_of(
                        f"<publish node='{NODE}'><item id='i{start + number}'><note xmlns='{NODE}'>"
                        f"{'y' * 100}</note></item></publish>{OPTIONS}"
                    )
                    for number, client in enumerate(clients)
                },
            )


class _Pages:
    """Asks for the page behind the last one, and begins anew at the end."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._seen = b""
        self.count = 0
        client.receive = self._received

    def next(self, after: bytes = b"") -> None:
        """Ask for the page behind an item."""
        behind = b"<after>%b</after>" % after if after else b""
        self._client.send(
            b"<iq type='get' id='page'><pubsub xmlns='%b'><items node='%b'/>"
            b"<set xmlns='http://jabber.org/protocol/rsm'><max>%d</max>%b</set></pubsub></iq>"
            % (NS.encode(), NODE.encode(), PAGE, behind)
        )

    def _received(self, data: bytes) -> None:
        self._seen += data
        if b"</iq>" in self._seen:
            last = LAST.search(self._seen)
            self._seen = b""
            self.count += last is not None
            self.next(last.group(1) if last else b"")


class ManyLastItems(Scenario):
    """A client comes whose contacts have five nodes each, all of which it wants: it is sent the last item of each."""

    deadline_s = 300.0
    most_repeats = 3

    def __init__(self, key: str, contacts: int, logins: int) -> None:
        super().__init__(key, with_tls=False)
        self.title = f"S11 a login with {contacts:,} contacts who have {len(NODES)} nodes each"
        self.rows = (
            Row("cpu_ms", "ms a login"),
            Row("cpu_us", "µs an item"),
            Row("p50_ms", "ms until all are there", is_main=False),
        )
        self.contacts = contacts
        self.logins = logins

    def needs(self) -> Needs:
        """The user, the contacts, and their rosters."""
        return Needs(accounts=self.contacts + 1, contacts=self.contacts, pep=True)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Let each contact publish, then let the user come again and again."""
        names = [user_name(number) for number in range(1, self.contacts + 1)]
        contacts = self.log_in(server, loop, [Account(name, with_presence=False) for name in names])
        for node in NODES:
            item = f"<item id='current'><note xmlns='{node}'>{'y' * 100}</note></item>"
            request = request_of(f"<publish node='{node}'>{item}</publish>")
            ask(loop, dict.fromkeys(contacts, request))
        took_s, server_s = [], 0.0
        for number in range(self.logins + 1):
            watch, began = Stopwatch(server.pid), time.perf_counter()
            self._come(server, loop)
            if number:  # the first one is asked what its client can do
                took_s.append(time.perf_counter() - began)
                server_s += watch.read().server_s
        return {
            "cpu_ms": server_s / self.logins * MS_A_SECOND,
            "cpu_us": server_s / self.logins / self.contacts / len(NODES) * 1e6,
            "p50_ms": percentile(took_s, 50) * MS_A_SECOND,
        }

    def _come(self, server: Server, loop: Loop) -> None:
        (client,) = self.log_in(server, loop, [Account(user_name(0), with_presence=False)])
        arrived: list[int] = []
        count, say = counted(NOTIFIED, arrived.append), partial(answer, client, WANTED, set())

        def receive(data: bytes) -> None:
            count(data)
            say(data)

        client.receive = receive
        client.send(presence_with(WANTED))
        wanted = self.contacts * len(NODES)
        loop.run_until(lambda: sum(arrived) >= wanted, "waiting for what was published last")
        client.close()
        loop.settle(QUIET_S / 10)

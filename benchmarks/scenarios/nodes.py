"""S11: a publication to the subscribers of a node (XEP-0060), and to contacts whose clients want it (XEP-0163)."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from benchmarks.load.client import Client, Script, counted
from benchmarks.load.flow import FanOut, Flow
from benchmarks.load.login import Account, expect, user_name
from benchmarks.load.loop import LoadError, Loop
from benchmarks.scenarios.base import CLIENT, P50, P99, RATE, Figures, Row, Scenario, Window, way
from benchmarks.scenarios.chat import per_message
from benchmarks.servers.base import Needs, Server

ROUNDS_UNDER_WAY = 2
QUIET_S = 1.0
ASKED_AT_ONCE = 100
NOTIFIED = b"</event>"
NODE = "news"
NS: Final = "http://jabber.org/protocol/pubsub"
TUNE: Final = "http://jabber.org/protocol/tune"
FEATURES: Final = ("http://jabber.org/protocol/disco#info", f"{TUNE}+notify")
ITEM: Final = (
    "<item id='current'><entry xmlns='http://www.w3.org/2005/Atom'><title>Soliloquy</title>"
    "<summary>To be, or not to be: that is the question</summary></entry></item>"
)
SONG: Final = (
    f"<item id='current'><tune xmlns='{TUNE}'><artist>Yes</artist><length>686</length><rating>8</rating>"
    "<source>Yessongs</source><title>Heart of the Sunrise</title><track>3</track></tune></item>"
)
ASKED: Final = re.compile(
    rb"<iq(?=[^>]*type=['\"]get['\"])(?=[^>]*id=['\"]([^'\"]*)['\"])(?=[^>]*from=['\"]([^'\"]*)['\"])[^>]*>"
    rb"\s*<query[^>]*disco#info"
)


class Publishing(Scenario):
    """S11: each round is one publication at a pubsub service and as many notifications as there are subscribers."""

    deadline_s = 300.0

    def __init__(self, key: str, with_tls: bool, subscribers: int, window: Window, goal: str) -> None:
        super().__init__(key, with_tls)
        self.title = f"S11 publication to {subscribers:,} online subscribers, {way(with_tls)}"
        self.rows = _rows(goal)
        self.subscribers = subscribers
        self.window = window

    def needs(self) -> Needs:
        """The publisher, the subscribers and a service."""
        return Needs(accounts=self.subscribers + 1, pep=True, nodes=True)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Make the node and subscribe to it, then publish again when all have been notified."""
        accounts = [Account(user_name(number)) for number in range(self.subscribers + 1)]
        publisher, *subscribers = self.log_in(server, loop, accounts)
        service = server.nodes_host()
        ask(loop, {publisher: request_of(f"<create node='{NODE}'/>", service)})
        bare_jids = [each.jid.partition("/")[0] for each in subscribers]
        subscribing = [request_of(f"<subscribe node='{NODE}' jid='{jid}'/>", service) for jid in bare_jids]
        ask(loop, dict(zip(subscribers, subscribing, strict=True)))
        loop.settle()
        request = request_of(f"<publish node='{NODE}'>{ITEM}</publish>", service)
        return _fan_out(server, loop, publisher, subscribers, request, self.window)


class GrowingPublishing(Publishing):
    """Growth of S11."""

    deadline_s = 400.0
    most_repeats = 3
    is_growth = True


class PersonalEvent(Scenario):
    """S11: the same of an account, to contacts whose clients name the node in their capabilities."""

    deadline_s = 120.0

    def __init__(self, key: str, with_tls: bool, contacts: int, window: Window, goal: str) -> None:
        super().__init__(key, with_tls)
        self.title = f"S11 personal event to {contacts:,} online contacts, {way(with_tls)}"
        self.rows = _rows(goal)
        self.contacts = contacts
        self.window = window

    def needs(self) -> Needs:
        """The user, the contacts, and their rosters."""
        return Needs(accounts=self.contacts + 1, contacts=self.contacts, pep=True)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Let the contacts say what their clients want, then publish again when all have been notified."""
        users = [user_name(number) for number in range(self.contacts + 1)]
        accounts = [Account(name, with_presence=name == users[0]) for name in users]
        publisher, *contacts = self.log_in(server, loop, accounts)
        heard: set[str] = set()
        for each in contacts:
            each.receive = partial(answer, each, FEATURES, heard)
            each.send(presence_with(FEATURES))
        loop.run_until(lambda: len(heard) == len(contacts), "waiting for everybody's own presence")
        loop.settle(QUIET_S)
        request = request_of(f"<publish node='{TUNE}'>{SONG}</publish>")
        return _fan_out(server, loop, publisher, contacts, request, self.window)


def _rows(goal: str) -> tuple[Row, ...]:
    return (Row("cpu_us", "µs a notification", goal), P99, P50, RATE, CLIENT)


def _fan_out(
    server: Server,
    loop: Loop,
    publisher: Client,
    takers: list[Client],
    request: bytes,
    window: Window,
) -> Figures:
    flow = Flow()
    copies = _copies(loop, publisher, takers, request)
    fan_out = FanOut(flow, takers, NOTIFIED, lambda: publisher.send(request), copies)
    fan_out.start(ROUNDS_UNDER_WAY)
    cost = fan_out.measured(loop, server.pid, window.warm_s, window.measured_s)
    flow.count //= copies  # who is told twice knows it once
    return per_message(cost, flow)


def _copies(loop: Loop, publisher: Client, takers: list[Client], request: bytes) -> int:
    """Publish once, and see how often everybody is told: Prosody 0.12 tells contacts by two addresses."""
    arrived: list[int] = []
    for each in takers:
        each.receive = counted(NOTIFIED, arrived.append)
    publisher.send(request)
    loop.run_until(lambda: sum(arrived) >= len(takers), "waiting for the first notifications")
    loop.settle(QUIET_S)
    copies, odd = divmod(sum(arrived), len(takers))
    if odd:
        raise LoadError(f"{sum(arrived)} notifications to {len(takers)} takers")
    return copies


def request_of(content: str, to: str = "") -> bytes:
    """Write a request that changes something."""
    address = f" to='{to}'" if to else ""
    return f"<iq type='set' id='p1'{address}><pubsub xmlns='{NS}'>{content}</pubsub></iq>".encode()


def ask(loop: Loop, requests: Mapping[Client, bytes]) -> None:
    """Let each client send its request, some at a time; wait until all have a result."""
    answered: list[bool] = []
    for number, (client, request) in enumerate(requests.items(), 1):
        client.on_script_end = lambda: answered.append(True)
        client.run(_asking(client, request))
        if number % ASKED_AT_ONCE == 0 or number == len(requests):
            loop.run_until(partial(_is_answered, answered, number), "asking the service")


def _is_answered(answered: Sequence[bool], number: int) -> bool:
    return len(answered) == number


def _asking(connection: Client, request: bytes) -> Script:
    connection.send(request)
    seen = yield (b"</iq>", b"id='p1'/>", b'id="p1"/>', b"type='result'/>", b'type="result"/>')
    expect(seen, b"result")


def presence_with(features: Sequence[str]) -> bytes:
    """Write the presence of a client that can do this."""
    caps = f"<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='b' ver='{_ver(features)}'/>"
    return f"<presence>{caps}</presence>".encode()


def answer(client: Client, features: Sequence[str], heard: set[str], data: bytes) -> None:
    """Say what the client can do, to whoever asks."""
    written = "".join(f"<feature var='{each}'/>" for each in features)
    query = (
        "<query xmlns='http://jabber.org/protocol/disco#info'>"
        f"<identity category='client' type='pc' name='b'/>{written}</query>"
    )
    heard.add(client.jid)
    for id, sender in ASKED.findall(data):
        client.send(f"<iq type='result' id='{id.decode()}' to='{sender.decode()}'>{query}</iq>".encode())


def _ver(features: Sequence[str]) -> str:
    """Give the hash of XEP-0115 5.1."""
    text = "client/pc//b<" + "".join(f"{each}<" for each in sorted(features))
    return base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode()

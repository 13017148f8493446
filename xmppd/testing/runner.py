"""Plays a dialogue against a server, in memory or over sockets."""

from collections.abc import Awaitable, Callable
from typing import Protocol
from xml.etree.ElementTree import Element, ParseError

from twisted.internet.defer import Deferred

from xmppd.testing.client import NS_STREAM, Client, NothingCame
from xmppd.testing.component import ComponentClient
from xmppd.testing.matching import Mismatch, fill, match, match_header, parse, show
from xmppd.testing.script import Script, Step

MOMENT_S = 0.05
"""Over sockets: how long is waited for what a client that cannot ping may get."""


class Stage(Protocol):
    """Where a dialogue is played."""

    def add_account(self, address: str) -> Awaitable[object] | None:
        """Make an account; may give a Deferred."""

    def connect(self, client: Client) -> Awaitable[object] | None:
        """Open a connection for *client*; may give a Deferred."""

    def pass_time(self, seconds: float) -> Awaitable[object] | None:
        """Let time pass; may give a Deferred."""

    @property
    def is_in_memory(self) -> bool:
        """Whether everything happens at once."""


class Runner:
    """One run of one dialogue."""

    def __init__(self, script: Script, stage: Stage):
        self.script = script
        self.stage = stage
        self.clients: dict[str, Client] = {}
        self.memory: dict[str, str] = {}
        self._verbs: dict[str, Callable[[Step], Awaitable[object] | None]] = {
            "is": self._is,
            "is the component": self._is_component,
            "logs in": lambda step: self._connected(step, lambda client: client.log_in()),
            "connects": lambda step: self.stage.connect(self.clients[step.who]),
            "opens": lambda step: self.clients[step.who].send_header(),
            "begins TLS": lambda step: self.clients[step.who].begin_tls(),
            "secures": lambda step: self._connected(step, Client.secure),
            "authenticates": lambda step: self._connected(step, Client.authenticate),
            "sends": self._sends,
            "sends bytes": self._sends_bytes,
            "receives": self._receives,
            "receives nothing": self._receives_nothing,
            "ignores": self._ignores,
            "closes": lambda step: self.clients[step.who].send("</stream:stream>"),
            "disconnects": self._disconnects,
            "is disconnected": lambda step: self.clients[step.who].until_lost(),
            "pass": lambda step: self.stage.pass_time(float(step.what)),
        }

    async def run(self) -> None:
        """Play all steps; AssertionError names the line where it went wrong."""
        for step in self.script.steps:
            try:
                answer = self._verbs[step.verb](step)
                if answer is not None:
                    await answer
            except (AssertionError, NothingCame) as error:
                raise AssertionError(f"{self.script.name}, line {step.line}: {error}") from error

    def finish(self) -> None:
        """Break all connections."""
        for client in self.clients.values():
            if client.is_connected and client.carrier is not None:
                client.carrier.lose()

    def _is(self, step: Step) -> Awaitable[object] | None:
        client = Client(step.who, step.what)
        self.clients[step.who] = client
        self.memory[step.who] = step.what
        self.memory[f"{step.who}.bare"] = step.what.partition("/")[0]
        return self.stage.add_account(step.what)

    def _is_component(self, step: Step) -> None:
        self.clients[step.who] = ComponentClient(step.who, step.what)
        self.memory[step.who] = step.what

    async def _connected(self, step: Step, go_on: Callable[[Client], Awaitable[object]]) -> None:
        client = self.clients[step.who]
        answer = self.stage.connect(client)
        if isinstance(answer, Deferred):
            await answer
        await go_on(client)

    async def _sends(self, step: Step) -> None:
        client, text = self.clients[step.who], fill(step.what, self.memory)
        if "<stream:stream" in text or text.startswith("<stream "):
            client.expect_header()
        client.send(text)
        if not self.stage.is_in_memory and _is_whole(text):
            await client.ping()  # so that one step is over before the next one begins, as in memory

    def _sends_bytes(self, step: Step) -> None:
        text = fill(step.what, self.memory).encode().decode("unicode_escape")
        self.clients[step.who].send_bytes(text.encode("latin-1"))

    async def _receives(self, step: Step) -> None:
        if step.what.startswith("<stream:stream"):
            got = await self.clients[step.who].header()
            match_header(step.what, got, self.memory)
            return
        client, end = self.clients[step.who], f"<end xmlns='{NS_STREAM[1:-1]}'/>"
        for expected in parse(step.what.replace("</stream:stream>", end), client.content_ns):
            got = await client.receive()
            try:
                match(expected, got, self.memory)
            except Mismatch as error:
                raise AssertionError(f"{step.who} received {show(got)}: {error}") from error

    async def _receives_nothing(self, step: Step) -> None:
        await self._settle()
        inbox = self.clients[step.who].inbox
        if inbox:
            raise AssertionError(f"{step.who} received {' '.join(map(show, inbox))}")

    async def _ignores(self, step: Step) -> None:
        await self._settle()
        self.clients[step.who].inbox.clear()

    async def _disconnects(self, step: Step) -> None:
        carrier = self.clients[step.who].carrier
        assert carrier is not None
        carrier.lose()
        await self._settle()

    async def _settle(self) -> None:
        """Let everything that is on its way arrive."""
        if self.stage.is_in_memory:
            self.stage.pass_time(0)
            return
        for _ in range(2):
            for client in self.clients.values():
                await client.ping()
        if not all(client.is_bound for client in self.clients.values()):
            passing = self.stage.pass_time(MOMENT_S)
            if passing is not None:
                await passing


def _is_whole(text: str) -> bool:
    try:
        return bool(parse(text))
    except ParseError:
        return False


def only(elements: list[Element]) -> Element:
    """Give the one element of a list."""
    assert len(elements) == 1
    return elements[0]

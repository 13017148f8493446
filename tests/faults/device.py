"""A client that speaks stream management, keeps account of what it was promised, and never lets go of the rest."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple
from xml.etree.ElementTree import Element

from benchmarks.soak.client import PATIENCE_S, READ_BYTES, Client, Lost
from tests.faults.wire import Wire

PASSWORD = "a secret of theirs"
NS = "urn:xmpp:sm:3"
CLIENT = "{jabber:client}"
STANZA_ID = "{urn:xmpp:sid:0}stanza-id"
RESULT = "{urn:xmpp:mam:2}result"
LAST = "{http://jabber.org/protocol/rsm}last"
WINDOW = 40
"""So many stanzas of its own it has unacknowledged."""
ASK_AFTER = 4
MODULUS = 1 << 32


class Sent(NamedTuple):
    """A stanza that is not acknowledged."""

    data: bytes
    id: str


class Got(NamedTuple):
    """A message that came."""

    id: str
    stanza_id: str
    body: str


class Seen:
    """What was looked at of the messages that came."""

    def __init__(self) -> None:
        self.count = 0
        self.by_id: dict[str, Got] = {}
        self.newest: dict[str, int] = {}
        """The number of the latest message of each sender."""


class Request(NamedTuple):
    """A request for an acknowledgement that is not answered."""

    sent: int
    """The stanzas before it, which the answer covers."""
    said: int
    """How many stanzas were said to be handled before it."""


LITTLE = 2_048


class Device:
    """One device of an account."""

    def __init__(self, account: str, resource: str) -> None:
        self.account = account
        self.resource = resource
        self.sm_id = ""
        self.waiting: deque[Sent] = deque()
        self.promised: dict[str, None] = {}
        """Ids of messages that the server has acknowledged, in order."""
        self.unsure: set[str] = set()
        """Ids of messages that were sent again without knowing whether that was needed."""
        self.resent: set[str] = set()
        """Ids of messages that were sent again because the server has said that it does not have them."""
        self.handled = 0
        self.got: list[Got] = []
        self.archived: list[str] = []
        """The ids of the messages in the account's archive, as far as it was asked for."""
        self.comes_afresh = False
        """Whether it never resumes, nor says how far it had come."""
        self.may_come_again: set[str] = set()
        """Ids of messages that came and are not certain to be acknowledged on the server's disk."""
        self.seen = Seen()
        self.laziness_s = 0.0
        """How long it may take to acknowledge."""
        self.pause_s = 0.0
        """How long it pauses after each little that it has read."""
        self.is_connected = False
        self.answers: dict[str, asyncio.Future[Element]] = {}
        self.wire = Wire()
        self._acknowledged = 0
        self._said = 0
        """What it has said last that it handled."""
        self._requests: deque[Request] = deque()
        self._heard: list[tuple[float, int]] = []
        """What the server has read of that, and since when that is certain."""
        self._numbers: dict[int, Got] = {}
        self._is_counting = False
        self._replies: asyncio.Queue[Element] = asyncio.Queue()
        self._room = asyncio.Event()
        self._client: Client | None = None
        self._reading: asyncio.Future[None] | None = None
        self._sent_since_asking = 0

    # -- the connection -----------------------------------------------------------------------------------------------

    async def connect(self, port: int, *, is_resuming: bool) -> str:
        """Connect and bind, after an attempt to resume where *is_resuming*; gives how that went.

        What was not acknowledged is sent again, in order.
        """
        await self._open(port)
        outcome = "fresh"
        if is_resuming and self.sm_id:
            self._write(f"<resume xmlns='{NS}' previd='{self.sm_id}' h='{self.handled}'/>".encode())
            reply = await self._reply()
            outcome = reply.tag.rpartition("}")[2]
            if reply.get("h") is not None:
                self._on_acknowledged(int(reply.get("h") or 0))
            self.resent.update(sent.id for sent in self.waiting)
            if outcome == "resumed":
                for sent in self.waiting:
                    self._write(sent.data)
                return outcome
            if reply.get("h") is None:
                self._doubt()
        else:
            self._doubt()
        await self._bind()
        return outcome

    def _doubt(self) -> None:
        self.unsure.update(sent.id for sent in self.waiting)

    async def _open(self, port: int) -> None:
        client = await Client.connect(port)
        self._is_counting = False
        self._replies = asyncio.Queue()
        await client.open()
        answer = await client.authenticate_plain(self.account.partition("@")[0], PASSWORD)
        assert b"<success" in answer, answer
        await client.open()
        self.wire.note("logged in")
        self._requests.clear()
        self._client = client
        self.is_connected = True
        self._reading = asyncio.ensure_future(self._read(client))

    async def _bind(self) -> None:
        self._write(
            b"<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>"
            + self.resource.encode()
            + b"</resource></bind></iq>"
        )
        reply = await self._reply()
        assert reply.get("type") == "result", reply.attrib
        self.handled = self._said = self._acknowledged = 0
        self.sm_id = ""
        self._numbers.clear()
        self._heard.clear()
        self._write(f"<enable xmlns='{NS}' resume='true'/>".encode())
        enabled = await self._reply()
        self.sm_id = enabled.get("id") or ""
        unacknowledged, self.waiting = self.waiting, deque()
        for sent in unacknowledged:
            self.send(sent.data, sent.id)

    def lose(self) -> None:
        """Break the connection, with what is on its way."""
        if self._client is not None:
            self._client.abort()
            self.wire.note("cut")
        self.is_connected = False

    async def lost(self) -> None:
        """Wait until the connection is gone."""
        if self._reading is not None:
            await self._reading

    async def _reply(self) -> Element:
        return await asyncio.wait_for(self._replies.get(), PATIENCE_S)

    async def _read(self, client: Client) -> None:
        try:
            while True:
                if self.pause_s:
                    await asyncio.sleep(self.pause_s)
                for element in await client.elements(LITTLE if self.pause_s else READ_BYTES):
                    self._on_element(element)
        except Lost:
            self.wire.note("lost")
        self.is_connected = False
        self._room.set()
        for answer in self.answers.values():
            if not answer.done():
                answer.cancel()
        self.answers.clear()

    # -- sending ----------------------------------------------------------------------------------------------------

    def send(self, data: bytes, id: str = "") -> None:
        """Send a stanza, and keep it until it is acknowledged."""
        self.waiting.append(Sent(data, id))
        self._write(data)
        self._sent_since_asking += 1
        if self._sent_since_asking >= ASK_AFTER:
            self.request()

    def request(self) -> None:
        """Ask for an acknowledgement."""
        self._sent_since_asking = 0
        self._write(f"<r xmlns='{NS}'/>".encode())
        self._requests.append(Request(self._acknowledged + len(self.waiting), self._said))

    async def room(self) -> bool:
        """Wait until another stanza may be sent; False where the connection is gone."""
        while self.is_connected and len(self.waiting) >= WINDOW:
            self._room.clear()
            await self._room.wait()
        return self.is_connected

    def say(self, to: str, id: str) -> None:
        """Send a message."""
        self.send(f"<message to='{to}' type='chat' id='{id}'><body>{id}</body></message>".encode(), id)

    async def ask(self, payload: str, id: str, type: str = "set") -> Element:
        """Send a request to one's own account and give the answer; cancelled where the connection is lost."""
        answer = self.answers[id] = asyncio.get_running_loop().create_future()
        self.send(f"<iq type='{type}' id='{id}'>{payload}</iq>".encode())
        self.request()
        return await asyncio.wait_for(answer, PATIENCE_S)

    async def read_archive(self) -> None:
        """Fetch the whole archive, page by page."""
        self.archived.clear()
        last: str | None = ""
        while last is not None:
            after = f"<after>{last}</after>" if last else ""
            page = f"<set xmlns='http://jabber.org/protocol/rsm'><max>250</max>{after}</set>"
            answer = await self.ask(f"<query xmlns='urn:xmpp:mam:2'>{page}</query>", f"page-{last}")
            last = next((each.text for each in answer.iter(LAST)), None)

    def _write(self, data: bytes) -> None:
        if self._client is not None and self.is_connected and not self._client.is_cut:
            self._client.send(data)
            self.wire.sent(data)

    # -- receiving --------------------------------------------------------------------------------------------------

    def _on_element(self, element: Element) -> None:
        tag = element.tag
        is_counted = tag.startswith(CLIENT) and self._is_counting
        self.handled = (self.handled + is_counted) % MODULUS
        self.wire.came(element, self.handled if is_counted else 0)
        if tag == f"{{{NS}}}r":
            asyncio.get_running_loop().call_later(random.uniform(0.0, self.laziness_s), self.answer)
        elif tag == f"{{{NS}}}a":
            self._on_answered(int(element.get("h") or 0))
        elif is_counted:
            self._on_stanza(element)
        else:
            if tag in (f"{{{NS}}}enabled", f"{{{NS}}}resumed"):
                self._is_counting = True
            self._replies.put_nowait(element)

    def _on_answered(self, h: int) -> None:
        """One answer may be for several requests, and one that is late comes before the one that covers all."""
        self._on_acknowledged(h)
        if self._requests and (h - self._requests[0].sent) % MODULUS < MODULUS // 2:
            self._heard.append((time.monotonic(), self._requests.popleft().said))

    def _on_stanza(self, element: Element) -> None:
        result = element.find(RESULT)
        if result is not None:
            self.archived += [each.get("id") or "" for each in result.iter(f"{CLIENT}message")]
        elif element.tag == f"{CLIENT}message" and element.get("type") != "error":
            stanza_id = element.find(STANZA_ID)
            got = Got(
                element.get("id") or "",
                "" if stanza_id is None else stanza_id.get("id") or "",
                element.findtext(f"{CLIENT}body") or "",
            )
            self.got.append(got)
            self._numbers[self.handled] = got
        elif element.tag == f"{CLIENT}iq":
            answer = self.answers.pop(element.get("id") or "", None)
            if answer is not None and not answer.done():
                answer.set_result(element)

    def _on_acknowledged(self, h: int) -> None:
        count = (h - self._acknowledged) % MODULUS
        assert count <= len(self.waiting), (h, self._acknowledged, len(self.waiting))
        for _ in range(count):
            sent = self.waiting.popleft()
            if sent.id:
                self.promised[sent.id] = None
        self._acknowledged = h
        self._room.set()

    def answer(self) -> None:
        """Say what was handled, and have it confirmed that this was read."""
        if self.is_connected and self._is_counting:
            self._said = self.handled
            self._write(f"<a xmlns='{NS}' h='{self.handled}'/>".encode())
            self.request()

    def end(self) -> None:
        """Say what was handled, and end the stream."""
        self.answer()
        self._write(b"</stream:stream>")

    def settle_account(self, is_stored: Callable[[float], bool]) -> None:
        """The session is over: what is not certain to be known of what was acknowledged may come again.

        *is_stored* says whether what the server has read by a time, on the clock of `time.monotonic`, is on its disk.
        """
        covered = max((h for at, h in self._heard if is_stored(at)), default=0)
        self.wire.note(f"over; {covered} are known to the server for certain")
        for number, got in self._numbers.items() if self.comes_afresh else ():
            if number > covered:
                self.may_come_again.add(got.id)
            else:
                self.may_come_again.discard(got.id)

"""What the clients of the soak do that come over WebSocket (RFC 7395) and over BOSH (XEP-0124, XEP-0206)."""

import asyncio
import re
import secrets
from base64 import b64encode
from itertools import pairwise
from typing import Self

from benchmarks.load.login import PASSWORD
from benchmarks.load.web import BOSH_PATH, HEAD_END, LENGTH, SID, WEBSOCKET_PATH
from benchmarks.soak.behaviours import Behaviour, Place
from benchmarks.soak.client import PATIENCE_S, Client, Lost

TEXT, CONTINUED = 0x81, 0x00
OPEN = b"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='localhost' version='1.0'/>"
CLOSING = b"<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>"
XBOSH = " xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'"
SHORT_BELOW = 126
WINDOW = 50
CHAT = re.compile(rb"<message ")
MALFORMED = (
    b"\x81\x02hi",
    b"\xc1\x80\0\0\0\0",
    b"\x81\x82\0\0\0\0<\xff",
    b"\x81\xff\x7f" + b"\xff" * 7 + b"\0\0\0\0",
    (b"\x01\x80\0\0\0\0") + b"\x00\x80\0\0\0\0" * 1_100,
    b"\x88\x81\0\0\0\0x",
)
"""Frames that are none, or too much of them."""


def frame(data: bytes, first: int = TEXT) -> bytes:
    """Give a masked frame of less than 64 KiB (RFC 6455 5.2)."""
    mask, size = secrets.token_bytes(4), len(data)
    head = (
        bytes([first, 0x80 | size]) if size < SHORT_BELOW else bytes([first, 0xFE]) + size.to_bytes(2, "big")
    )
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))


def for_the_web(stanzas: bytes) -> list[bytes]:
    """Give stanzas one by one, each with its namespace."""
    ends = [found.start() for found in CHAT.finditer(stanzas)] + [len(stanzas)]
    pieces = [stanzas[start:end] for start, end in pairwise(ends)]
    return [piece.replace(b"<message ", b"<message xmlns='jabber:client' ", 1) for piece in pieces]


class WebSocketClient(Client):
    """A client over WebSocket. What comes is looked for in frames as they are: they neither mask nor compress."""

    async def enter(self, user: str) -> None:
        """Shake hands, log in, bind a resource, become available."""
        head = (
            f"GET {WEBSOCKET_PATH} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Protocol: xmpp\r\n\r\n"
        )
        if b" 101 " not in await self.ask(head.encode(), HEAD_END):
            raise Lost("no WebSocket")
        for step, answer in login(user):
            await self.ask(frame(step or OPEN), answer)


def login(user: str) -> list[tuple[bytes, bytes]]:
    """Give what is said, and what comes then; nothing said is the beginning of a stream."""
    secret = b64encode(f"\0{user}\0{PASSWORD}".encode())
    bind = b"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>%b</resource></bind>"
    return [
        (b"", b"</stream:features>"),
        (b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>%b</auth>" % secret, b"<success"),
        (b"", b"</stream:features>"),
        (
            b"<iq xmlns='jabber:client' type='set' id='b'>%b</iq>" % (bind % secrets.token_hex(4).encode()),
            b"</iq>",
        ),
        (b"<presence xmlns='jabber:client'/>", b"<presence"),
    ]


class BOSHClient:
    """A client over BOSH, one connection a request; an answer without what is waited for is followed by a request."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._rid = place.random.randrange(1, 1 << 40)
        self._sid = ""
        self._waiting: set[asyncio.Task[bytes]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._waiting:
            task.cancel()
        await asyncio.gather(*self._waiting, return_exceptions=True)

    async def enter(self, user: str) -> None:
        """Log in, bind a resource, become available."""
        for step, wanted in login(user):
            begin = f" to='localhost' wait='10' hold='1' ver='1.6'{XBOSH}"
            restart = f" to='localhost' xmpp:restart='true'{XBOSH}"
            attrs = "" if step else restart if self._sid else begin
            await self.ask(step, wanted, attrs)

    async def ask(self, payload: bytes, wanted: bytes, attrs: str = "") -> None:
        """Say something, and go on until *wanted* has come."""
        seen = await self.say(payload, attrs)
        while wanted not in seen:
            if b"terminate" in seen:
                raise Lost(f"the session has ended: {seen[:200]!r}")
            seen = await self.say()

    async def say(self, payload: bytes = b"", attrs: str = "") -> bytes:
        """Send a request, and give the body that comes."""
        self._rid += 1
        return await self.post(self._body(self._rid, payload, attrs))

    async def again(self) -> bytes:
        """Send the last one again: XEP-0124 14.3."""
        return await self.post(self._body(self._rid, b"", ""))

    def leave_waiting(self) -> None:
        """Leave a request there that nobody waits for any more."""
        self._waiting.add(asyncio.create_task(self.say()))

    def _body(self, rid: int, payload: bytes, attrs: str) -> bytes:
        sid = f" sid='{self._sid}'" if self._sid else ""
        head = f"<body rid='{rid}'{sid} xmlns='http://jabber.org/protocol/httpbind'{attrs}>"
        return head.encode() + payload + b"</body>"

    async def post(self, body: bytes) -> bytes:
        """Send *body* on a connection of its own, and give what comes."""
        head = f"POST {BOSH_PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        async with await Client.connect(self._place.http_port) as client:
            client.send(head.encode() + body)
            seen = await client.until(HEAD_END, timeout_s=PATIENCE_S)
            found = LENGTH.search(seen)
            if found is None or b" 200 " not in seen[:20]:
                raise Lost(f"no answer of BOSH: {seen[:200]!r}")
            answer = await client.exactly(int(found[1]))
        sid = SID.search(answer)
        if not self._sid and sid is not None:
            self._sid = sid[1].decode()
        return answer


async def websocket_chats(place: Place, user: str) -> None:
    """Chats over WebSocket, some of it in fragments, and says goodbye."""
    async with await WebSocketClient.connect(place.http_port) as client:
        await client.enter(user)
        for stanza in for_the_web(place.chatter(place.random.randrange(1, 20))):
            cut = place.random.randrange(1, len(stanza))
            halves = frame(stanza[:cut], TEXT & 0x0F) + frame(stanza[cut:], CONTINUED | 0x80)
            client.send(frame(stanza) if place.random.random() < 0.5 else halves)
        await asyncio.sleep(place.random.random())
        await client.ask(frame(CLOSING), b"<close")


async def websocket_hangs_up(place: Place, user: str) -> None:
    """Is cut in the middle of a frame."""
    async with await WebSocketClient.connect(place.http_port) as client:
        await client.enter(user)
        whole = b"".join(map(frame, for_the_web(place.chatter(5))))
        client.send(whole[: place.random.randrange(len(whole))])
        await client.sent()


async def websocket_breaks_rules(place: Place, user: str) -> None:
    """Gets in, and sends frames that are none: the connection is failed."""
    async with await WebSocketClient.connect(place.http_port) as client:
        await client.enter(user)
        client.send(place.random.choice(MALFORMED))
        await client.until(b"\x88")


async def bosh_chats(place: Place, user: str) -> None:
    """Chats over BOSH, sends a request twice, and says goodbye."""
    async with BOSHClient(place) as client:
        await client.enter(user)
        for stanza in for_the_web(place.chatter(place.random.randrange(1, 10))):
            await client.say(stanza + b"<iq xmlns='jabber:client' type='get' id='p' to='localhost'/>")
        if await client.again() != await client.again():
            raise AssertionError("a request that came again got another answer")
        if b"terminate" not in await client.say(attrs=" type='terminate'"):
            raise AssertionError("the session has not ended")


async def bosh_leaves(place: Place, user: str) -> None:
    """Leaves a session over BOSH behind, with a request that waits or without."""
    async with BOSHClient(place) as client:
        await client.enter(user)
        if place.random.random() < 0.5:
            client.leave_waiting()
            await asyncio.sleep(place.random.random())


async def bosh_breaks_rules(place: Place, user: str) -> None:
    """Sends what is no body, what is out of the window, or what belongs to a session that there is not."""
    async with BOSHClient(place) as client:
        await client.enter(user)
        wrong = place.random.choice(
            (
                b"<nothing/>",
                b"<body rid='1' sid='nobody' xmlns='http://jabber.org/protocol/httpbind'/>",
                client._body(client._rid + WINDOW, b"", ""),
                b"\xff" * 100,
            )
        )
        if b"terminate" not in await client.post(wrong):
            raise AssertionError("what is wrong was taken")


WEB_BEHAVIOURS: dict[Behaviour, float] = {
    websocket_chats: 4,
    websocket_hangs_up: 2,
    websocket_breaks_rules: 2,
    bosh_chats: 3,
    bosh_leaves: 1,
    bosh_breaks_rules: 2,
}
"""With their weights, beside those over TCP."""

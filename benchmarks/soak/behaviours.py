"""What the clients of the soak do: one coroutine a behaviour, each from the connecting to the end."""

import asyncio
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks.load.login import FEATURES, HEADER, STARTTLS
from benchmarks.soak.client import Client, Lost, client_hello

SM = "urn:xmpp:sm:3"
PING = b"<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"
NONSENSE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"<?xml version='1.0' encoding='UTF-16'?><stream:stream",
    b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
    b"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' to='localhost'>",
    b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='nowhere.example'>",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"<a " + b"x" * 20_000,
)
MALFORMED = (
    b"<message><body></message>",
    b"<message to='u0@localhost'><body>\xff\xfe</body></message>",
    b"<message to='u0@localhost'><x:y/></message>",
    b"<message from='somebody@else.example'/>",
    b"<nothing-we-know/>",
    b"<?target what?>",
    b"<message><body>" + b"x" * 300_000 + b"</body></message>",
    b"<message>" + b"<a>" * 300,
    b"just text",
)
PAGE = (
    b"<iq type='set' id='page'><query xmlns='urn:xmpp:mam:2'>"
    b"<set xmlns='http://jabber.org/protocol/rsm'><max>20</max><before/></set></query></iq>"
)
SLOW_PINGS = 400
FLOOD = 2_000
DEAF_BYTES = 100_000_000
"""More than ``limits.send_buffer_bytes`` and what the kernel holds: tcp_rmem may let it take 33 MB from the sender."""
DEAF_STANZA_BYTES = 100_000
MOST_RESUMPTIONS = 4
TRICKLE_S = 0.05
ASK_S = 0.5
CUT_S = 10.0
"""A client that is cut off is gone from the server's sessions in that time."""


@dataclass(slots=True)
class Place:
    """Where a behaviour takes place: the server's ports, accounts, chance; and the server's word on who is there."""

    port: int
    tls_port: int
    accounts: int
    random: random.Random
    sessions: Callable[[], list[str]]
    http_port: int = 0

    def somebody(self) -> str:
        """Give the bare JID of any account."""
        return f"u{self.random.randrange(self.accounts)}@localhost"

    async def authenticated(self, user: str, receive_bytes: int | None = None) -> Client:
        """Give a client before its binding, over plain TCP, STARTTLS or TLS from the start."""
        is_tls = self.random.random() < 0.3
        port = self.tls_port if is_tls else self.port
        client = await Client.connect(port, receive_bytes, is_tls=is_tls)
        try:
            await client.log_in(user, with_tls=not is_tls and self.random.random() < 0.5)
        except BaseException:
            client.abort()
            raise
        return client

    async def logged_in(self, user: str, receive_bytes: int | None = None) -> Client:
        """Give a client that is available, by TLS or not."""
        client = await self.authenticated(user, receive_bytes)
        try:
            await client.bind(secrets.token_hex(4))
        except BaseException:
            client.abort()
            raise
        return client

    async def has_ended(self, full_jid: str, within_s: float) -> bool:
        """Whether the server, asked again and again for so long, comes to know no session of that name."""
        until = time.monotonic() + within_s
        while full_jid in await asyncio.to_thread(self.sessions):
            if time.monotonic() > until:
                return False
            await asyncio.sleep(ASK_S)
        return True

    def chatter(self, count: int) -> bytes:
        """Write so many messages to anybody."""
        return b"".join(
            b"<message to='%b' type='chat' id='c%d'><body>%b</body></message>"
            % (self.somebody().encode(), number, secrets.token_hex(self.random.randrange(10, 200)).encode())
            for number in range(count)
        )


async def polite(place: Place, user: str) -> None:
    """Chats, changes the roster, and says goodbye."""
    async with await place.logged_in(user) as client:
        client.send(place.chatter(place.random.randrange(1, 20)))
        contact = place.somebody()
        if not contact.startswith(f"{user}@"):
            item = f"<iq type='set' id='rs'><query xmlns='jabber:iq:roster'><item jid='{contact}'%s/></query></iq>"
            await client.ask((item % " name='x'").encode(), b"id='rs'")
            await client.ask((item % " subscription='remove'").encode(), b"id='rs'")
        await asyncio.sleep(place.random.random())
        await client.ask(PING, b"id='p'")
        client.send(b"<presence type='unavailable'/></stream:stream>")
        await client.until(b"</stream:stream>")


async def looks_around(place: Place, user: str) -> None:
    """Fetches its roster and the newest page of its archive, and tells its contacts where it is."""
    async with await place.logged_in(user) as client:
        for show in (b"away", b"dnd", b"chat"):
            client.send(b"<presence><show>%b</show></presence>" % show)
            await client.ask(b"<iq type='get' id='ros'><query xmlns='jabber:iq:roster'/></iq>", b"id='ros'")
            await client.ask(PAGE, b"<fin ")
            await asyncio.sleep(place.random.random())
        client.send(b"</stream:stream>")
        await client.until(b"</stream:stream>")


async def hangs_up(place: Place, user: str) -> None:
    """Is cut in the middle of what it says."""
    async with await place.logged_in(user) as client:
        whole = place.chatter(5)
        client.send(whole[: place.random.randrange(len(whole))])
        await client.sent()


async def closes(place: Place, user: str) -> None:
    """Closes its connection without an end tag."""
    async with await place.logged_in(user) as client:
        client.send(place.chatter(3))
        await client.sent()
        client.close()
        await asyncio.sleep(0.1)


async def resumes(place: Place, user: str) -> None:
    """Is cut off again and again and comes back: what it sends to itself arrives once and in order."""
    client = await place.logged_in(user)
    try:
        counted = await client.enable()
        message = f"<message to='{client.full_jid}' type='chat' id='{counted.session_id}%d'><body>x</body></message>"
        sent: list[bytes] = []
        for _ in range(place.random.randrange(1, MOST_RESUMPTIONS)):
            more = [
                (message % (len(sent) + number)).encode() for number in range(place.random.randrange(1, 20))
            ]
            sent += more
            client.send(b"".join(more))
            await asyncio.sleep(place.random.random() / 10)
            client.abort()
            await asyncio.sleep(place.random.random())
            client = await place.authenticated(user)
            handled = await client.resume(counted)
            if handled is None:
                return  # it took too long
            client.send(b"".join(sent[handled:]))
        while len(counted.ids) < len(sent):
            await client.read()
        if counted.ids != [f"{counted.session_id}{number}" for number in range(len(sent))]:
            raise AssertionError(f"of {len(sent)} messages came {counted.ids}")
        client.send(b"</stream:stream>")
        await client.until(b"</stream:stream>")
    finally:
        client.abort()


async def never_comes_back(place: Place, user: str) -> None:
    """Leaves a session that waits for it in vain."""
    async with await place.logged_in(user) as client:
        await client.ask(f"<enable xmlns='{SM}' resume='true'/>".encode(), b"<enabled", b"<failed")
        client.send(place.chatter(2))
        await client.sent()


async def reads_slowly(place: Place, user: str) -> None:
    """Asks for much and takes its time."""
    async with await place.logged_in(user, receive_bytes=4_096) as client:
        client.send(PING * SLOW_PINGS)
        for _ in range(20):
            await client.read(200)
            await asyncio.sleep(0.02)
        client.send(b"</stream:stream>")
        await client.until(b"</stream:stream>")


async def never_reads(place: Place, user: str) -> None:
    """Asks for much and takes nothing."""
    async with await place.logged_in(user, receive_bytes=4_096) as client:
        client.send(PING * FLOOD)
        await asyncio.sleep(1.0)


async def hears_nothing(place: Place, user: str) -> None:
    """Sends itself more than is kept for a client that does not read, and is cut off: the server knows it no more.

    The server is asked while this side of the connection is still open. What asyncio makes of the end is no proof, in
    either direction: a TLS stream of Python 3.11 that sees an end of file while it does not read takes all that is
    written to it, is not closing by its own account, and sends nothing.
    """
    async with await place.logged_in(user, receive_bytes=4_096) as client:
        if await place.has_ended(client.full_jid, 0):
            raise AssertionError("the server does not know who is there")
        how = await _flood(client)
        if not await place.has_ended(client.full_jid, CUT_S):
            raise AssertionError(f"it was not cut off: {how}")


async def _flood(client: Client) -> str:
    """Send until it is heard of no more, or all is sent; say which."""
    body = b"x" * DEAF_STANZA_BYTES
    stanza = b"<message to='%b' type='headline'><body>%b</body></message>" % (client.full_jid.encode(), body)
    for number in range(DEAF_BYTES // len(stanza)):
        client.send(stanza)
        try:
            await client.sent()
        except Lost as lost:
            return f"lost after {number} stanzas: {lost.__cause__!r}"
        if client.is_cut:
            return f"closing after {number} stanzas"
    return "all was sent"


async def talks_nonsense(place: Place, user: str) -> None:
    """Is no client at all, or of another protocol."""
    async with await Client.connect(place.port) as client:
        client.send(place.random.choice((*NONSENSE, secrets.token_bytes(500))))
        await client.until_closed()


async def breaks_off_tls(place: Place, user: str) -> None:
    """Asks for TLS and sends something else, or half of it, or nothing."""
    async with await Client.connect(place.port) as client:
        await client.ask(HEADER, *FEATURES)
        await client.ask(STARTTLS, b"<proceed")
        hello = client_hello()
        part = hello[: place.random.randrange(len(hello))]
        client.send(place.random.choice((hello, part, HEADER, secrets.token_bytes(300), b"")))
        await asyncio.sleep(place.random.random())


async def trickles(place: Place, user: str) -> None:
    """Sends byte by byte what would be right."""
    async with await Client.connect(place.port) as client:
        for byte in HEADER:
            if client.is_cut:
                return
            client.send(bytes((byte,)))
            await asyncio.sleep(TRICKLE_S)


async def is_malformed(place: Place, user: str) -> None:
    """Gets in, and sends what ends the stream."""
    async with await place.logged_in(user) as client:
        client.send(place.random.choice(MALFORMED))
        if b"</stream:stream>" not in await client.until_closed():
            raise AssertionError("a broken stream was not ended by an end tag")


async def guesses(place: Place, user: str) -> None:
    """Does not know the password."""
    async with await Client.connect(place.port) as client:
        try:
            await client.log_in(user, password="guess")
        except Lost:
            return
        raise AssertionError("a wrong password was taken")


async def is_mute(place: Place, user: str) -> None:
    """Says nothing until it is closed."""
    async with await Client.connect(place.port) as client:
        if place.random.random() < 0.5:
            client.send(HEADER)
        await client.until_closed()


Behaviour = Callable[[Place, str], Awaitable[None]]
BEHAVIOURS: dict[Behaviour, float] = {
    polite: 8,
    looks_around: 4,
    hangs_up: 3,
    closes: 2,
    resumes: 3,
    never_comes_back: 1,
    reads_slowly: 2,
    never_reads: 1,
    hears_nothing: 0.02,
    talks_nonsense: 3,
    breaks_off_tls: 2,
    trickles: 1,
    is_malformed: 3,
    guesses: 2,
    is_mute: 1,
}
"""With their weights."""

"""What the clients of the soak do: one coroutine a behaviour, each from the connecting to the end."""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from benchmarks.load.login import FEATURES, HEADER, STARTTLS
from benchmarks.soak.client import Client, Lost

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
SLOW_PINGS = 400
FLOOD = 2_000


@dataclass(slots=True)
class Place:
    """Where a behaviour takes place: the server's port, the accounts, and chance."""

    port: int
    accounts: int
    random: random.Random

    def somebody(self) -> str:
        """Give the bare JID of any account."""
        return f"u{self.random.randrange(self.accounts)}@localhost"

    async def logged_in(self, user: str, receive_bytes: int | None = None) -> Client:
        """Give a client that is available, by TLS or not."""
        client = await Client.connect(self.port, receive_bytes)
        try:
            await client.log_in(user, with_tls=self.random.random() < 0.7)
            await client.bind(secrets.token_hex(4))
        except BaseException:
            client.abort()
            raise
        return client

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
    """Loses its connection and comes back to its session, which it finds or not."""
    async with await place.logged_in(user) as client:
        enabled = await client.ask(f"<enable xmlns='{SM}' resume='true'/>".encode(), b"<enabled", b"<failed")
        if enabled.endswith(b"<failed"):
            return
        previous = (await client.until(b"/>")).split(b"id='")[1].split(b"'")[0]
        client.send(place.chatter(3) + f"<r xmlns='{SM}'/>".encode())
        await client.sent()
    await asyncio.sleep(place.random.random())
    async with await Client.connect(place.port) as client:
        await client.log_in(user)
        resume = b"<resume xmlns='%b' h='0' previd='%b'/>" % (SM.encode(), previous)
        await client.ask(resume, b"<resumed", b"<failed")
        client.send(b"</stream:stream>")
        await client.until(b"</stream:stream>")


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
        client.send(place.random.choice((b"\x16\x03\x01\x02\x00\x01", HEADER, secrets.token_bytes(300), b"")))
        await asyncio.sleep(place.random.random())


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
BEHAVIOURS: dict[Behaviour, int] = {
    polite: 8,
    hangs_up: 3,
    closes: 2,
    resumes: 3,
    never_comes_back: 1,
    reads_slowly: 2,
    never_reads: 1,
    talks_nonsense: 3,
    breaks_off_tls: 2,
    is_malformed: 3,
    guesses: 2,
    is_mute: 1,
}
"""With their weights."""

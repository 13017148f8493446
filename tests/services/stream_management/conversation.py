"""Clients that speak stream management, on a server in memory whose commits can take their time."""

import re
from collections.abc import Iterator

from twisted.internet.defer import Deferred

from xmppd.core.session import Session
from xmppd.services.inbox.machine import WAS
from xmppd.services.inbox.records import STORE, read
from xmppd.services.stream_management.records import SESSIONS
from xmppd.services.stream_management.service import StreamManagement
from xmppd.testing.client import NS_BIND, Client
from xmppd.testing.server import MemoryServer, now

NS = "urn:xmpp:sm:3"
JULIET, ROMEO = "juliet@localhost", "romeo@localhost"
COMMIT_S = 0.1


class Conversation:
    """A server in memory; after `kill` another one with what was committed."""

    def __init__(self, options: str = ""):
        self.options = options
        self.memory = MemoryServer(options)
        self.starts = 1
        self._last = 0

    def slow_commits(self) -> None:
        """Let commits take `COMMIT_S` from now on."""
        storage = self.memory.storage
        storage.clock, storage.commit_delay_s = self.memory.clock, COMMIT_S

    def quick_commits(self) -> None:
        """Let commits take no time."""
        self.memory.storage.commit_delay_s = 0.0

    def kill(self) -> None:
        """End the server as SIGKILL does: only what was committed is left; and start another one."""
        left = self.memory.storage.killed()
        self.starts += 1
        seconds = self.memory.clock.seconds()
        self.memory = MemoryServer(self.options, left, self.starts * 1_000_000)
        self.memory.clock.advance(seconds)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, in steps that let each timer have its turn."""
        for _ in range(round(seconds / 0.05)):
            self.memory.clock.advance(0.05)

    def connected(self, address: str) -> Client:
        """Give a client that has authenticated and not bound."""
        client = self.memory.client(address)
        now(Deferred.fromCoroutine(client.authenticate()))
        client.inbox.clear()
        return client

    def client(self, address: str, *, is_resumable: bool = True, presence: str = "") -> tuple[Client, str]:
        """Give a client with stream management, available where *presence* is given, and its id."""
        client = self.memory.logged_in(address)
        return client, self.enable(client, is_resumable=is_resumable, presence=presence)

    def enable(self, client: Client, *, is_resumable: bool = True, presence: str = "") -> str:
        """Enable it for a client that is bound, and give the id."""
        client.send(f"<enable xmlns='{NS}' resume='{'true' if is_resumable else 'false'}'/>{presence}")
        enabled = client.inbox.popleft()
        assert enabled.tag == f"{{{NS}}}enabled", enabled
        self.settle(client)
        client.inbox.clear()
        return enabled.get("id") or ""

    def settle(self, client: Client) -> None:
        """Give commits their time."""
        self.memory.clock.advance(COMMIT_S)

    def bind(self, client: Client) -> None:
        """Bind the client's resource."""
        client.send(
            f"<iq type='set' id='b'><bind xmlns='{NS_BIND}'><resource>{client.resource}</resource></bind></iq>"
        )
        client.inbox.clear()

    def say(self, sender: Client, *texts: str, to: str = JULIET, type: str = "chat") -> None:
        """Send messages with a body."""
        for text in texts:
            sender.send(f"<message to='{to}' type='{type}' id='{text}'><body>{text}</body></message>")

    def session(self, address: str) -> Session:
        """Give the session of a resource."""
        session = self.memory.server.registry.get(address)
        assert session is not None
        return session

    @property
    def sm(self) -> StreamManagement:
        """The service."""
        return self.memory.server.services[StreamManagement]

    def queued(self, owner: str = JULIET) -> list[tuple[str, int | None]]:
        """Give the holder and its number, None for one that is owed it, for each in the inbox of an account."""
        entries = now(self.memory.storage.read(STORE, owner, limit=1000))
        return [
            (key, None if number < 0 else number)
            for entry in entries
            for key, number in read(owner, entry).holders.items()
            if number < WAS
        ]

    def waiting(self, owner: str = JULIET) -> int:
        """Give how many records an account's inbox has."""
        return len(now(self.memory.storage.read(STORE, owner, limit=1000)))

    def recorded(self, owner: str) -> dict[str, int]:
        """Give how much of an account's sessions was handled, as it is stored."""
        records = now(self.memory.storage.get_all(SESSIONS, owner))
        return {id: int(data.split()[0]) for id, data in records.items()}


def bodies(client: Client) -> list[str]:
    """Give the ids of the messages that a client has got, and forget what it has got."""
    got = list(_ids(client))
    client.inbox.clear()
    return got


def acks(client: Client) -> list[int]:
    """Give the acknowledgements that a client has got, and forget what it has got."""
    got = [int(each.get("h") or "-1") for each in client.inbox if each.tag == f"{{{NS}}}a"]
    client.inbox.clear()
    return got


def tags(client: Client) -> list[str]:
    """Give the names of what a client has got, and forget it."""
    got = [re.sub(r"{.*}", "", each.tag) for each in client.inbox]
    client.inbox.clear()
    return got


def stanza_ids(client: Client) -> list[str | None]:
    """Give the stanza-ids of the messages that a client has got."""
    found = [
        each.find("{urn:xmpp:sid:0}stanza-id")
        for each in client.inbox
        if each.tag == "{jabber:client}message"
    ]
    return [None if each is None else each.get("id") for each in found]


def _ids(client: Client) -> Iterator[str]:
    for each in client.inbox:
        if each.tag == "{jabber:client}message":
            yield each.get("id") or ""

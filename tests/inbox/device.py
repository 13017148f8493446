"""A client of the account under test: it counts what it gets, and knows what it has told the server."""

from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred

from xmppd.testing.client import NS_BIND, Client
from xmppd.testing.server import MemoryServer, now

NS: Final = "urn:xmpp:sm:3"
CLIENT: Final = "{jabber:client}"
CARBON: Final = "{urn:xmpp:carbons:2}received"
FORWARDED: Final = "{urn:xmpp:forward:0}forwarded"
ARCHIVED: Final = "{urn:xmpp:mam:2}result"
DELAY: Final = "{urn:xmpp:delay}delay"
SLOW_BYTES: Final = 2 << 20
"""So much waits in the connection of a client that reads slowly."""


class Got(NamedTuple):
    """A message that came, and its number in the stream's count."""

    id: str
    number: int


class Device:
    """One client; `kind` is "plain", "counting" (XEP-0198 without resumption) or "resumable"."""

    def __init__(self, address: str, kind: str, max_s: int):
        self.address = address
        self.kind = kind
        self.max_s = max_s
        self.client: Client | None = None
        self.sm_id = ""
        self.h = 0
        self.got: list[Got] = []
        """In the session that lasts, or in those before it that it can still speak for."""
        self.has: set[str] = set()
        """What it has told the server that it has, in any way."""
        self.is_enabled = self.is_slow = False
        self.told: dict[str, float] = {}
        """When it told the server first that it has a message."""
        self.again: list[str] = []
        """What came again though the server had known for long that it was there."""
        self.sure_until = 0.0
        """What was told until then is known to the server, whatever has happened."""
        self.now = 0.0

    @property
    def is_connected(self) -> bool:
        """Whether it has a connection, as far as it knows."""
        return self.client is not None and self.client.is_connected

    def connect(self, server: MemoryServer, *, is_fresh: bool) -> None:
        """Log in: go on with the session where there is one, unless *is_fresh*."""
        client = server.client(self.address)
        now(Deferred.fromCoroutine(client.authenticate()))
        client.inbox.clear()
        self.client, self.is_slow = client, False
        if is_fresh or not self.sm_id:
            self.sm_id, self.got = "", []
        if self.sm_id:
            client.send(f"<resume xmlns='{NS}' previd='{self.sm_id}' h='{self.h}'/>")
            server.pass_time(11)
            answer = self._answer()
            if answer is None:
                self.drop()
                return
            if answer.tag == f"{{{NS}}}resumed":
                self.has.update(each.id for each in self.got if each.number)
                return
            if answer.get("h") is None:
                self.got = []
            else:
                self.has.update(each.id for each in self.got if each.number)
        self._bind(server, client)

    def _bind(self, server: MemoryServer, client: Client) -> None:
        client.send(
            f"<iq type='set' id='b'><bind xmlns='{NS_BIND}'><resource>{client.resource}</resource></bind></iq>"
        )
        self.sm_id, self.is_enabled = "", False
        self.got = [Got(each.id, 0) for each in self.got]
        server.pass_time(1)
        self.take()
        self.h = 0
        if self.kind != "plain" and client.is_connected:
            client.send(
                f"<enable xmlns='{NS}' resume='{self.kind == 'resumable'}' max='{self.max_s}'/>".lower()
            )
            self.sm_id = client.inbox.popleft().get("id") or ""
            self.is_enabled = True

    def _answer(self) -> Element | None:
        assert self.client is not None
        return self.client.inbox.popleft() if self.client.inbox else None

    def take(self) -> None:
        """Count and keep what has come; what is written to a client that does not count it has."""
        client = self.client
        while client is not None and client.inbox:
            element = client.inbox.popleft()
            if element.tag.startswith(CLIENT):
                self.h += 1
            if element.tag == CLIENT + "message" and element.get("type") != "error":
                self._on_message(element)
            elif element.tag.endswith("}end"):
                self.drop()
                return

    def _on_message(self, element: Element) -> None:
        result = element.find(ARCHIVED)
        if result is not None:
            message = result.find(f"{FORWARDED}/{CLIENT}message")
            if message is not None:
                self.has.add(message.get("id") or "")
            return
        carbon = element.find(CARBON)
        message = element if carbon is None else carbon.find(f"{FORWARDED}/{CLIENT}message")
        if message is None or not message.get("id"):
            return
        id = message.get("id") or ""
        if self.told.get(id, self.sure_until) < self.sure_until:
            self.again.append(id)
        self.got.append(Got(id, self.h))
        if not self.is_enabled:
            self.has.add(id)

    def acknowledge(self) -> None:
        """Say what has come."""
        self.take()
        if self.client is not None and self.client.is_connected and self.is_enabled:
            self.has.update(each.id for each in self.got if each.number)
            for each in self.got:
                self.told.setdefault(each.id, self.now)
            self.client.send(f"<a xmlns='{NS}' h='{self.h}'/>")

    def lose(self) -> None:
        """Lose the connection; what a client that counts has not looked at is lost with it."""
        if not self.is_enabled:
            self.take()
        client = self.client
        self.drop()
        if client is not None and client.carrier is not None and client.is_connected:
            client.carrier.lose()

    def drop(self) -> None:
        """Have no connection any more."""
        self.client = None
        if self.kind != "resumable":
            self.sm_id = ""

    def send(self, text: str) -> None:
        """Send something, if there is a connection."""
        if self.client is not None and self.client.is_connected:
            self.client.send(text)

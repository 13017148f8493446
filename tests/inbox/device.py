"""A client of an account under test: it counts what it gets, and knows what it has told the server."""

from typing import Any, Final, NamedTuple
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred

from xmppd.testing.client import NS_BIND, Client
from xmppd.testing.server import MemoryServer, now

NS: Final = "urn:xmpp:sm:3"
CLIENT: Final = "{jabber:client}"
CARBON: Final = "{urn:xmpp:carbons:2}received"
FORWARDED: Final = "{urn:xmpp:forward:0}forwarded"
ARCHIVED: Final = "{urn:xmpp:mam:2}result"
SLOW_BYTES: Final = 2 << 20
"""So much waits in the connection of a client that reads slowly."""
KINDS: Final = ("plain", "counting", "resumable", "silent")
"""Without XEP-0198; with it, but no resumption; with it; the same, but it never acknowledges of itself."""


class Got(NamedTuple):
    """A message that came, and its number in the stream's count; 0 in that of an earlier one."""

    id: str
    number: int
    is_copy: bool


class Device:
    """One client; `kind` is one of `KINDS`."""

    def __init__(self, address: str, kind: str, max_s: int):
        self.address = address
        self.account = address.partition("/")[0]
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
        self.done: dict[str, float] = {}
        """When it told so first of a message itself, no carbon, or was written it where that does not count."""
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
        self.client = client
        self.slow(False)
        if is_fresh or not self.sm_id:
            self.sm_id, self.got = "", []
        if self.sm_id:
            self.has.update(each.id for each in self.got if each.number)
            client.send(f"<resume xmlns='{NS}' previd='{self.sm_id}' h='{self.h}'/>")
            server.pass_time(11)
            answer = client.inbox.popleft() if client.inbox else None
            if answer is None:
                self.lose()
                return
            self.now = server.clock.seconds()
            if answer.tag == f"{{{NS}}}resumed":
                self.tell()
                return
            if answer.get("h") is None:
                self.got = []
            else:
                self.tell()
        self._bind(server, client)

    def _bind(self, server: MemoryServer, client: Client) -> None:
        client.send(
            f"<iq type='set' id='b'><bind xmlns='{NS_BIND}'><resource>{client.resource}</resource></bind></iq>"
        )
        self.sm_id, self.is_enabled = "", False
        self.got = [each._replace(number=0) for each in self.got]
        server.pass_time(1)
        self.take()
        self.h = 0
        if not client.is_bound:
            self.lose()
        elif self.kind != "plain":
            is_resumable = str(self.kind != "counting").lower()
            client.send(f"<enable xmlns='{NS}' resume='{is_resumable}' max='{self.max_s}'/>")
            self.sm_id = client.inbox.popleft().get("id") or ""
            self.is_enabled = True

    def take(self) -> None:
        """Count and keep what has come; what is written to a client that does not count it has."""
        client = self.client
        while client is not None and client.inbox:
            element = client.inbox.popleft()
            if element.tag.startswith(CLIENT):
                self.h += 1
            if element.tag == CLIENT + "message":
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
        self.got.append(Got(id, self.h, carbon is not None))
        if not self.is_enabled:
            self.has.add(id)
            if carbon is None:
                self.done.setdefault(id, self.now)

    def acknowledge(self) -> None:
        """Say what has come."""
        self.take()
        if self.client is not None and self.client.is_connected and self.is_enabled and self.kind != "silent":
            self.has.update(each.id for each in self.got if each.number)
            self.client.send(f"<a xmlns='{NS}' h='{self.h}'/>")

    def tell(self) -> None:
        """The server has been told of what came in the session that lasts.

        What it is told of a carbon, of a message that waits for others, holds for who had it: a client that cannot say
        that it is the same is another one when it comes again.
        """
        for each in self.got:
            if each.number:
                self.has.add(each.id)
                if not each.is_copy or self.kind != "counting":
                    self.told.setdefault(each.id, self.now)
                if not each.is_copy:
                    self.done.setdefault(each.id, self.now)

    def slow(self, is_slow: bool) -> None:
        """Read slowly, or go on."""
        self.is_slow = is_slow
        if self.client is not None and self.client.carrier is not None:
            carrier: Any = self.client.carrier
            carrier._transport.unsent_bytes = SLOW_BYTES if is_slow else 0

    def forget_until(self, moment: float) -> None:
        """The server was killed: what was told since *moment* it may not know."""
        self.sure_until = moment
        self.told = {id: at for id, at in self.told.items() if at < moment}
        self.done = {id: at for id, at in self.done.items() if at < moment}
        if not self.is_enabled:
            self.take()
        self.drop()

    def forget(self, ids: set[str]) -> None:
        """These are sent again: what came of them before is of no account."""
        self.got = [each for each in self.got if each.id not in ids]
        for told in (self.told, self.done):
            for id in ids & told.keys():
                del told[id]

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
        if self.kind in ("plain", "counting"):
            self.sm_id = ""

    def send(self, text: str) -> None:
        """Send something, if there is a connection."""
        if self.client is not None and self.client.is_connected:
            self.client.send(text)

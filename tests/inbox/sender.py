"""Romeo: he counts what is acknowledged to him, and sends again just what is not, wherever he comes back."""

from typing import Final, NamedTuple

from twisted.internet.defer import Deferred

from xmppd.testing.client import NS_BIND, Client
from xmppd.testing.server import MemoryServer, now

NS: Final = "urn:xmpp:sm:3"
ROMEO: Final = "romeo@localhost/orchard"
HINTS: Final = {
    "chat": "",
    "normal": "",
    "no-permanent": "<no-permanent-store xmlns='urn:xmpp:hints'/>",
    "no-store": "<no-store xmlns='urn:xmpp:hints'/>",
    "headline": "<event xmlns='http://jabber.org/protocol/pubsub#event'>"
    "<items node='n'><item id='{id}'/></items></event>",
    "error": "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
}
"""What is in a message besides its body, by its kind."""
VOLATILE: Final = frozenset(("no-store", "headline", "error"))


class Unacknowledged(NamedTuple):
    """A message that was sent."""

    id: str
    text: str


class Sender:
    """Who writes to the accounts."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.targets: dict[str, str] = {}
        """Of durable messages: to which account."""
        self.refused: set[str] = set()
        self.promised: set[str] = set()
        """What was acknowledged."""
        self._client: Client | None = None
        self._sm_id = ""
        self._unacknowledged: list[Unacknowledged] = []
        self._acknowledged = self._h = 0
        self.sent_again: set[str] = set()
        """What was sent again at the last arrival."""

    def arrive(self, memory: MemoryServer) -> None:
        """Log in: go on with the session where there is one, else with a new one."""
        self.sent_again = set()
        client = memory.client(ROMEO)
        now(Deferred.fromCoroutine(client.authenticate()))
        client.inbox.clear()
        self._client = client
        if self._sm_id and self._resume(memory, client):
            return
        bind = f"<bind xmlns='{NS_BIND}'><resource>{client.resource}</resource></bind>"
        client.send(f"<iq type='set' id='b'>{bind}</iq>")
        memory.pass_time(1)
        client.inbox.clear()
        client.send(f"<enable xmlns='{NS}' resume='true'/>")
        self._sm_id = client.inbox.popleft().get("id") or ""
        self._acknowledged = self._h = 0
        self._send_again()

    def _resume(self, memory: MemoryServer, client: Client) -> bool:
        client.send(f"<resume xmlns='{NS}' previd='{self._sm_id}' h='{self._h}'/>")
        memory.pass_time(21)
        answer = client.inbox.popleft()
        if answer.get("h") is None:  # nobody knows what has come: he does not send it again
            self._unacknowledged.clear()
            return False
        self._told(int(answer.get("h") or 0))
        if answer.tag != f"{{{NS}}}resumed":
            return False
        self.look()
        self._send_again()
        return True

    def _send_again(self) -> None:
        """What is not acknowledged; nobody promises anything of what is volatile."""
        assert self._client is not None
        self._unacknowledged = [each for each in self._unacknowledged if each.id in self.targets]
        self.sent_again = {each.id for each in self._unacknowledged}
        for each in self._unacknowledged:
            self._client.send(each.text)

    def lose(self) -> None:
        """The connection is lost, with what was on its way."""
        client, self._client = self._client, None
        if client is not None and client.carrier is not None and client.is_connected:
            client.carrier.lose()

    def say(self, kind: str, target: str, times: int) -> None:
        """Write to an account or a client of one."""
        assert self._client is not None
        type = kind if kind in ("chat", "headline", "error") else "normal"
        for _ in range(times):
            id = str(len(self.sent))
            self.sent.append(id)
            if kind not in VOLATILE:
                self.targets[id] = target.partition("/")[0]
            content = f"<body>{id}</body>" if kind != "headline" else ""
            text = f"<message to='{target}' type='{type}' id='{id}'>{content}{HINTS[kind].format(id=id)}</message>"
            self._unacknowledged.append(Unacknowledged(id, text))
            self._client.send(text)
        self._client.send(f"<r xmlns='{NS}'/>")

    def look(self) -> None:
        """Look at what has come."""
        while self._client is not None and self._client.inbox:
            element = self._client.inbox.popleft()
            if element.tag == f"{{{NS}}}a":
                self._told(int(element.get("h") or 0))
            elif element.tag.startswith("{jabber:client}"):
                self._h += 1
                if element.get("type") == "error":
                    self.refused.add(element.get("id") or "")

    def _told(self, h: int) -> None:
        count = h - self._acknowledged
        self.promised.update(each.id for each in self._unacknowledged[:count])
        del self._unacknowledged[:count]
        self._acknowledged = h

"""A client that counts what it was promised."""

import time
from typing import Final, Protocol

from benchmarks.soak.client import Lost
from tests.sockets.client import PlainClient

NS: Final = "urn:xmpp:sm:3"
ASK_EACH: Final = 5


class Server(Protocol):
    """Where it logs in."""

    def client(self, resource: str = "r") -> PlainClient:
        """Give a connected client."""


class Sender:
    """A client that counts what it has sent, and what its server has acknowledged."""

    def __init__(self, server: Server, to: str):
        self._server = server
        self._to = to
        self._number = 0
        self._sent: list[str] = []
        self.acknowledged: set[str] = set()
        self.sent: set[str] = set()
        self.bounced: set[str | None] = set()

    def load(self, seconds: float) -> None:
        """Send for so long, or until the server is gone; then hear what it still says."""
        self._sent = []
        try:
            with self._server.client(f"r{self._number}") as client:
                client.send(f"<enable xmlns='{NS}'/>")
                client.receive(lambda element: element.tag == f"{{{NS}}}enabled")
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    self._some(client)
        except (Lost, OSError):
            pass

    def _some(self, client: PlainClient) -> None:
        for _ in range(ASK_EACH):
            self._number += 1
            text = f"m{self._number}"
            self._sent.append(text)
            self.sent.add(text)
            client.send(f"<message to='{self._to}' type='chat' id='{text}'><body>{text}</body></message>")
        client.send(f"<r xmlns='{NS}'/>")
        answer = client.receive(lambda element: element.tag == f"{{{NS}}}a" or element.get("type") == "error")
        while not answer.tag.endswith("}a"):
            self.bounced.add(answer.get("id"))
            answer = client.receive()
        self.acknowledged.update(self._sent[: int(answer.get("h") or 0)])

"""Two servers, one of which is killed while messages go from one to the other: what was acknowledged arrives, once.

``XMPPD_TEST_KILLS`` is how many times; without it twice, the sending and the receiving server.
"""

import os
import random
import time
from threading import Timer

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.soak.client import Lost
from tests.sockets.client import PlainClient
from tests.sockets.peers import Domains, XmppdPeer
from tests.temporary import temporary_folder

CAPULET, MONTAGUE = "capulet.example", "montague.example"
KILLS = int(os.environ.get("XMPPD_TEST_KILLS", "2"))
NS = "urn:xmpp:sm:3"
ASK_EACH = 5
LOAD_S = 1.0
QUIET_S = 8.0


class Sender:
    """A client that counts what it has sent, and what its server has acknowledged."""

    def __init__(self, server: XmppdPeer, to: str):
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


class PeersKilledTests(SynchronousTestCase):
    """SIGKILL, at a moment that nobody has chosen."""

    def test_what_was_acknowledged_arrives_once(self) -> None:
        """promises#outgoing-messages: whichever of the two is killed."""
        domains = Domains(temporary_folder(self), CAPULET, MONTAGUE)
        capulet = XmppdPeer(domains, CAPULET, "juliet")
        self.addCleanup(capulet.stop)
        montague = XmppdPeer(domains, MONTAGUE, "romeo")
        self.addCleanup(montague.stop)
        sender = Sender(capulet, montague.jid)
        sender.load(0.3)
        for round_ in range(KILLS):
            victim = (capulet, montague)[round_ % 2]
            killing = Timer(random.uniform(0.1, LOAD_S), victim.kill)
            killing.start()
            sender.load(LOAD_S)
            killing.join()
            victim.start()
            sender.load(0.2)
        found = self.collect(montague, sender)
        kept = [text for text in found if text in sender.acknowledged]
        self.assertEqual(sorted(sender.acknowledged - sender.bounced - set(found)), [])
        self.assertEqual(len(kept), len(set(kept)))
        self.assertEqual(len(found), len(set(found)))
        self.assertGreater(len(kept), 20)

    def collect(self, montague: XmppdPeer, sender: Sender) -> list[str]:
        """Give what Romeo gets, until all is there or nothing comes any more."""
        found: list[str] = []
        with montague.client() as romeo:
            romeo.send("<presence/>")
            while True:
                try:
                    found.append(romeo.body(QUIET_S) or "")
                except Lost:
                    return found
                if sender.acknowledged <= set(found) | sender.bounced and sender.sent <= set(found):
                    return found

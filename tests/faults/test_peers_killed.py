"""Two servers, one of which is killed while messages go from one to the other: what was acknowledged arrives, once.

``XMPPD_TEST_KILLS`` is how many times; without it twice, the sending and the receiving server.
"""

import os
import random
from threading import Timer

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.soak.client import Lost
from tests.faults.sender import Sender
from tests.sockets.peers import Domains, XmppdPeer
from tests.temporary import temporary_folder

CAPULET, MONTAGUE = "capulet.example", "montague.example"
KILLS = int(os.environ.get("XMPPD_TEST_KILLS", "2"))
LOAD_S = 1.0
QUIET_S = 8.0


class PeersKilledTests(SynchronousTestCase):
    """SIGKILL, at a moment that nobody has chosen."""

    def test_what_was_acknowledged_arrives_once(self) -> None:
        """promises#outgoing-messages: whichever of the two is killed."""
        self.live("")

    def test_without_an_archive(self) -> None:
        """The same where messages need no entry on disk if the other server has them soon."""
        self.live("[modules.mam]\nenabled = false")

    def live(self, options: str) -> None:
        """Kill one, then the other; *options* are those of the sending server."""
        domains = Domains(temporary_folder(self), CAPULET, MONTAGUE)
        capulet = XmppdPeer(domains, CAPULET, "juliet", options)
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

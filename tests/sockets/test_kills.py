"""SIGKILL of either of two servers under load: nothing acknowledged is lost, and nothing comes twice.

``XMPPD_TEST_INTEROP=long`` takes 20 rounds; without that there are a few.
"""

import contextlib
import os
import random
import time
from itertools import count

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.soak.client import Lost
from tests.sockets.client import PlainClient
from tests.sockets.peers import Domains, XmppdPeer
from tests.temporary import temporary_folder

CAPULET, MONTAGUE = "capulet.example", "montague.example"
ROUNDS = 20 if os.environ.get("XMPPD_TEST_INTEROP") == "long" else 2
A_ROUND = 40
PATIENCE_S = 60.0
NS_MAM, NS_RSM = "urn:xmpp:mam:2", "http://jabber.org/protocol/rsm"
ENABLE, ASK = "<enable xmlns='urn:xmpp:sm:3'/>", "<r xmlns='urn:xmpp:sm:3'/>"


class KilledTests(SynchronousTestCase):
    """Juliet writes to Romeo, whose archive has what has arrived; promises#outgoing-messages, #incoming-messages."""

    options = ""

    def setUp(self) -> None:
        """Start both servers."""
        domains = Domains(temporary_folder(self), CAPULET, MONTAGUE)
        self.capulet = XmppdPeer(domains, CAPULET, "juliet", self.options)
        self.montague = XmppdPeer(domains, MONTAGUE, "romeo", self.options)
        for peer in (self.capulet, self.montague):
            self.addCleanup(peer.stop)
        self.numbers = count()
        self.chance = random.Random(1)
        self.acknowledged: list[str] = []

    def test_either(self) -> None:
        """In turn the sending and the receiving server."""
        for index in range(ROUNDS):
            victim = (self.capulet, self.montague)[index % 2]
            self.acknowledged += self.round(victim)
            victim.start()
        self.assertGreater(len(self.acknowledged), A_ROUND // 2)
        arrived = self.arrived()
        self.assertEqual([each for each in self.acknowledged if each not in arrived], [])
        self.assertEqual(len(arrived), len(set(arrived)))
        self.assertEqual(arrived, sorted(arrived))

    def round(self, victim: XmppdPeer) -> list[str]:
        """Send some while *victim* is killed; give those that Juliet was acknowledged."""
        texts = [f"{next(self.numbers):06}" for _ in range(A_ROUND)]
        strike = self.chance.randrange(A_ROUND // 2, A_ROUND)
        with self.capulet.client() as juliet:
            juliet.send(ENABLE)
            acknowledged = 0
            for index, text in enumerate(texts):
                message = f"<message to='{self.montague.jid}' type='chat'><body>{text}</body></message>"
                with contextlib.suppress(Lost):
                    juliet.send(message + ASK)
                if index == A_ROUND // 4:
                    acknowledged = self.heard(juliet, index)
                if index == strike:
                    time.sleep(self.chance.choice((0.0, 0.01, 0.05)))
                    victim.kill()
            return texts[: max(acknowledged, self.heard(juliet, len(texts)))]

    def heard(self, juliet: PlainClient, wanted: int) -> int:
        """Give how many were acknowledged before the connection was lost, or all are."""
        heard = 0
        with contextlib.suppress(Lost):
            while heard < wanted:
                answer = juliet.receive(lambda each: each.tag == "{urn:xmpp:sm:3}a", PATIENCE_S)
                heard = int(answer.get("h") or 0)
        return heard

    def arrived(self) -> list[str]:
        """Give what Romeo's archive has once nothing more comes that was acknowledged."""
        deadline, found = time.monotonic() + PATIENCE_S, list[str]()
        while time.monotonic() < deadline and not set(self.acknowledged) <= set(found):
            time.sleep(0.5)
            with self.montague.client("archive") as romeo:
                found = self.archive(romeo)
        return found

    def archive(self, romeo: PlainClient) -> list[str]:
        """Read the archive, page by page."""
        found, after = list[str](), ""
        while True:
            page = f"<set xmlns='{NS_RSM}'><max>100</max>{after}</set>"
            romeo.send(f"<iq id='page' type='set'><query xmlns='{NS_MAM}'>{page}</query></iq>")
            while True:
                element = romeo.element(PATIENCE_S)
                if element.get("id") == "page":
                    break
                if element.find(f"{{{NS_MAM}}}result") is not None:
                    found += [each.text or "" for each in element.iter("{jabber:client}body")]
            last = element.findtext(f".//{{{NS_RSM}}}last")
            fin = element.find(f"{{{NS_MAM}}}fin")
            if last is None or (fin is not None and fin.get("complete") == "true"):
                return found
            after = f"<after>{last}</after>"


class KilledApartTests(KilledTests):
    """The same with a connection for each direction."""

    options = "bidirectional = false"

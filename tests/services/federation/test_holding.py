"""A message to a peer that answers soon needs no entry on disk; whatever comes between, none is lost or acknowledged
too early (promises#outgoing-messages).
"""

from tests.net.streams.s2s.two import CAPULET, MONTAGUE
from tests.services.federation.sending import HELD_S, JULIET, MOMENT_S, NS, Sending
from xmppd.services.federation import holding
from xmppd.services.federation.holding import MOST, PRESSED_TICKS, PROMPT_S, TICK_S, TICKS
from xmppd.storage.interface import StorageFailed
from xmppd.testing.peers import PeerServer


class HoldingTests(Sending):
    """One message, or a few."""

    def test_it_has_arrived(self) -> None:
        """It leaves at once; its sender is acknowledged with the peer's ``<a/>``, and no entry is ever written."""
        self.speak("second")
        self.ask()
        self.settle(MOMENT_S)
        self.assertEqual((self.heard(), self.h(), self.recorded()), (["second"], None, 1))
        self.settle(2 * TICK_S)
        self.assertEqual((self.h(), self.recorded()), (2, 2))
        self.assertEqual(self.written, [])

    def test_many_arrive(self) -> None:
        """One ``<a/>`` settles them, by one commit of one count."""
        for index in range(10):
            self.speak(str(index))
        before = self.capulet.storage.writes.commits
        self.settle(2 * TICK_S)
        self.assertEqual((self.recorded(), self.capulet.storage.writes.commits - before), (11, 1))

    def test_the_peer_is_silent(self) -> None:
        """After a quarter of a second it is on disk, with the count."""
        self.wire().is_frozen = True
        self.speak("second")
        self.settle(TICK_S * (TICKS - 1))
        self.assertEqual((self.rows(), self.recorded()), (0, 1))
        self.settle(2 * TICK_S)
        self.assertEqual((self.rows(), self.recorded()), (1, 2))

    def test_the_sender_waits(self) -> None:
        """Whoever asks is answered sooner, by the disk."""
        self.wire().is_frozen = True
        self.speak("second")
        self.settle(TICK_S * 1.5)
        self.ask()
        self.settle(TICK_S * PRESSED_TICKS)
        self.assertEqual((self.rows(), self.h()), (1, 2))

    def test_the_stream_breaks(self) -> None:
        """It waits for another, on disk, with its number on the one that broke; the peer has it, and gets it once."""
        self.speak("second")
        self.settle(MOMENT_S)
        self.wire().abortConnection()
        self.assertEqual((self.rows(), self.recorded()), (1, 2))
        self.settle(10)
        self.assertEqual((self.heard(), self.rows()), (["second"], 0))

    def test_the_stream_breaks_with_many(self) -> None:
        """All go to disk in one transaction, and come once and in order."""
        texts = [str(index) for index in range(20)]
        self.wire().is_frozen = True
        for text in texts:
            self.speak(text)
        before = self.capulet.storage.writes.commits
        self.wire().abortConnection()
        commits = self.capulet.storage.writes.commits - before
        self.assertEqual((self.rows(), self.recorded(), commits), (20, 21, 1))
        self.settle(10)
        self.assertEqual((self.heard(), self.rows()), (texts, 0))

    def test_the_stream_breaks_before_it_has_left(self) -> None:
        """Then it comes by another."""
        self.wire().is_frozen = True
        self.speak("second")
        self.wire().abortConnection()
        self.settle(10)
        self.assertEqual((self.heard(), self.rows()), (["second"], 0))

    def test_something_else_of_the_sender(self) -> None:
        """Its commit is behind that of the message: no count covers what is nowhere."""
        self.wire().is_frozen = True
        self.speak("second")
        self.capulet.logged_in(f"nurse@{CAPULET}/door")
        self.speak("third", f"nurse@{CAPULET}")
        self.assertEqual((self.rows(), self.recorded()), (1, 3))

    def test_to_another_domain(self) -> None:
        """The same: each pair of domains has its own."""
        self.wire().is_frozen = True
        self.speak("second")
        self.speak("third", "benvolio@nowhere.example")
        self.assertEqual((self.rows(), self.recorded()), (1, 3))

    def test_another_sender(self) -> None:
        """What another one changes does not concern it."""
        nurse = self.capulet.logged_in(f"nurse@{CAPULET}/door")
        nurse.send(f"<enable xmlns='{NS}' resume='true'/>")
        madam = f"<message to='{JULIET}/balcony' type='chat'><body>Madam</body></message>"
        nurse.send(madam)  # the first that is stored for a session comes with its count
        self.speak("second")
        nurse.send(madam)
        self.assertEqual((self.rows(), self.recorded()), (0, 1))
        self.settle()
        self.assertEqual((self.written, self.recorded()), ([], 2))

    def test_presence_meanwhile(self) -> None:
        """What changes nothing is counted with what is committed next, and not before the message is safe."""
        self.speak("second")
        self.juliet.send("<presence/>")
        self.ask()
        self.settle(MOMENT_S)
        self.assertEqual((self.h(), self.recorded()), (None, 1))
        self.settle(1)
        self.assertEqual((self.h(), self.recorded(), self.written), (3, 3, []))

    def test_the_client_comes_back(self) -> None:
        """A resumption does not wait for the peer."""
        self.wire().is_frozen = True
        self.speak("second")
        self.settle(MOMENT_S)
        assert self.juliet.carrier is not None
        self.juliet.carrier.lose()
        self.juliet = self.authenticated()
        self.juliet.send(f"<resume xmlns='{NS}' previd='{self.sm_id}' h='0'/>")
        self.settle(MOMENT_S)
        (resumed,) = [each for each in self.juliet.inbox if each.tag == f"{{{NS}}}resumed"]
        self.assertEqual((resumed.get("h"), self.rows()), ("2", 1))

    def test_the_end(self) -> None:
        """A server that stops has all on disk."""
        self.wire().is_frozen = True
        self.speak("second")
        self.capulet.peers.federation.stop()
        self.assertEqual((self.rows(), self.recorded()), (1, 2))

    def test_an_operator_closes_the_stream(self) -> None:
        """What may not have arrived is on disk."""
        self.wire().is_frozen = True
        self.speak("second")
        self.capulet.peers.federation.close(MONTAGUE)
        self.assertEqual((self.rows(), self.recorded()), (1, 2))

    def test_the_bound(self) -> None:
        """More are not held; they are on disk at once, and so are those before them."""
        self.wire().is_frozen = True
        self.patch(holding, "MOST", 3)
        for index in range(4):
            self.speak(str(index))
        self.assertEqual(self.rows(), 4)
        self.assertGreater(MOST, 3)

    def test_the_disk_fails(self) -> None:
        """The sender hears of it, and the next one is counted as ever."""
        self.wire().is_frozen = True
        self.speak("second")
        self.capulet.storage.failing = StorageFailed("no disk")
        self.settle(HELD_S)
        self.assertIn("message error", self.came(self.juliet)[0])
        self.capulet.storage.failing = None
        self.speak("third")
        self.ask()
        self.settle(1)
        self.assertEqual((self.h(), self.recorded()), (3, 3))

    def test_the_disk_is_slow(self) -> None:
        """The count is told when it is on disk, and not before."""
        self.capulet.storage.clock = self.network.clock
        self.capulet.storage.commit_delay_s = 1.0
        self.speak("second")
        self.ask()
        self.settle(0.5)
        self.assertIsNone(self.h())
        self.settle(1.0)
        self.assertEqual((self.h(), self.written), (2, []))


class LateTests(Sending):
    """A peer that takes its time: its disk is slow."""

    def slow(self, seconds: float) -> None:
        """Let Montague's disk take so long."""
        self.montague.storage.clock = self.network.clock
        self.montague.storage.commit_delay_s = seconds

    def test_it_is_not_waited_for(self) -> None:
        """Once it has answered late, entries are written at once; once it has answered soon, none are."""
        self.slow(2 * PROMPT_S)
        self.speak("second")
        self.settle(1)
        self.assertEqual(len(self.written), 1)
        self.speak("third")
        self.assertEqual((self.rows(), self.recorded()), (1, 3))
        self.slow(0.0)
        self.settle(2)
        self.speak("fourth")
        self.settle(1)
        self.assertEqual((len(self.written), self.rows(), self.recorded()), (2, 0, 4))


class OtherPeerTests(Sending):
    """A peer without XEP-0198."""

    def test_on_disk_at_once(self) -> None:
        """Nobody will say that it has arrived."""
        carrier = self.capulet.peers.federation.pair(CAPULET, MONTAGUE).carrier
        assert carrier is not None
        self.patch(type(carrier), "numbered", None)
        self.speak("second")
        self.assertEqual((len(self.written), self.recorded()), (1, 2))


class KilledTests(Sending):
    """SIGKILL of either server, in the middle of it."""

    def restart_capulet(self) -> None:
        """Kill Juliet's server, and start it with what is on its disk."""
        left = self.capulet.storage.killed()
        self.capulet.vanish()
        self.capulet = PeerServer(self.capulet.text, self.network, left)
        self.juliet = self.authenticated()
        self.juliet.send(f"<resume xmlns='{NS}' previd='{self.sm_id}' h='0'/>")

    def test_the_sender(self) -> None:
        """What was held was not acknowledged: its client is told so, and has to send it again."""
        self.speak("second")
        self.settle(3 * TICK_S)
        self.wire().is_frozen = True
        self.speak("third")
        self.settle(MOMENT_S)
        self.restart_capulet()
        (failed,) = [each for each in self.juliet.inbox if each.tag == f"{{{NS}}}failed"]
        self.assertEqual(failed.get("h"), "2")
        self.settle(10)
        self.assertEqual(self.heard(), ["second"])

    def test_the_receiver(self) -> None:
        """What was held waits for it, and comes once."""
        self.speak("second")
        self.settle(MOMENT_S)
        left = self.montague.storage.killed()
        self.montague.vanish()
        self.speak("third")
        self.assertEqual(self.rows(), 2)
        self.montague = PeerServer(self.montague.text, self.network, left)
        self.romeo = self.montague.logged_in(f"romeo@{MONTAGUE}/orchard")
        self.romeo.send("<presence/>")
        self.settle(10)
        self.assertEqual(self.rows(), 0)
        self.assertEqual(self.heard()[-1], "third")

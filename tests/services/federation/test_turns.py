"""No turn of the reactor is long, however much waits: what is done in one is counted here."""

from collections.abc import Callable
from typing import Any

from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two
from xmppd.services.federation.federation import SWEEP_S, SWEPT
from xmppd.services.federation.pair import SLICE

MANY = 1_000


class TurnTests(Two):
    """Juliet's server has much to say to Romeo's."""

    s2s = "retry_min_s = 1\nretry_max_s = 1\nbidirectional = false"

    def fill(self) -> None:
        """Let messages wait for Romeo's server, which is not there."""
        self.montague.vanish()
        for index in range(MANY):
            self.juliet.send(f"<message to='romeo@{MONTAGUE}' type='chat'><body>{index}</body></message>")
        self.settle(0)

    def most_in_a_turn(self, count: Callable[[], int], seconds: float) -> int:
        """Give by how much *count* grows at most in one call of the reactor's, while time passes."""
        clock, grown = self.network.clock, [0]
        call_later = clock.callLater

        def counting(delay: float, function: Callable[..., object], *args: Any, **words: Any) -> Any:
            def called() -> None:
                before = count()
                function(*args, **words)
                grown.append(count() - before)

            return call_later(delay, called)

        self.patch(clock, "callLater", counting)
        self.settle(seconds)
        return max(grown)

    def test_a_queue_leaves_in_slices(self) -> None:
        """Others have their turns meanwhile; all of it arrives."""
        self.fill()
        counters = self.capulet.peers.federation.counters
        self.montague.listen()
        most = self.most_in_a_turn(lambda: counters.sent, 30)
        self.assertEqual(counters.sent, MANY)
        self.assertLessEqual(most, SLICE)

    def test_a_queue_goes_back_in_slices(self) -> None:
        """The errors, likewise."""
        self.fill()
        self.capulet.peers.federation.close(MONTAGUE)
        most = self.most_in_a_turn(lambda: len(self.juliet.inbox), 30)
        self.assertEqual(len(self.juliet.inbox), MANY)
        self.assertLessEqual(most, SLICE)

    def test_pairs_are_looked_at_in_slices(self) -> None:
        """However many there are."""
        federation = self.capulet.peers.federation
        for index in range(3 * SWEPT):
            federation.pair(CAPULET, f"{index}.example")
        most = self.most_in_a_turn(lambda: -len(federation.pairs), 2 * SWEEP_S)
        self.assertEqual(len(federation.pairs), 0)
        self.assertLessEqual(most, SWEPT)

"""A peer that takes nothing for a while: what comes waits in the queue of its pair, which is bounded."""

from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two
from tests.services.federation.sending import Sending
from xmppd.services.federation.pair import JAM_BYTES

LONG_CHARS = 20_000
"""What is long in a stanza."""
MANY = 2 * JAM_BYTES // LONG_CHARS
MUCH = f"[limits]\nuncommitted_bytes = {4 * JAM_BYTES}"
"""So that her server goes on reading."""


class JamTests(Sending):
    """Nothing that Juliet's server writes to Romeo's leaves."""

    s2s = f"{Sending.s2s}\n{MUCH}"

    def send(self, id: str, body: str) -> None:
        """Send many; as many as may wait for the connection, and the others in the queue."""
        self.wire().is_frozen = True
        for number in range(MANY):
            self.juliet.send(
                f"<message to='romeo@{MONTAGUE}/orchard' type='chat' id='{id}{number}'>"
                f"<body>{body}{number}</body></message>"
            )
        pair = self.capulet.peers.federation.pair(CAPULET, MONTAGUE)
        assert pair.carrier is not None
        unsent, queued = pair.carrier.unsent_bytes, len(pair.queue)
        self.assertTrue(JAM_BYTES <= unsent < JAM_BYTES + 2 * LONG_CHARS, unsent)
        self.assertGreater(queued, MANY // 3)
        self.wire().abortConnection()
        self.settle(30)
        self.assertEqual([each[-2:].lstrip("x") for each in self.heard()], list(map(str, range(MANY))))

    def test_long_content(self) -> None:
        """What waits for the connection is bounded; all of it comes, once and in order (promises#outgoing-messages)."""
        self.send("", "x" * LONG_CHARS)

    def test_long_tags(self) -> None:
        """The same where what is long is an attribute."""
        self.send("x" * LONG_CHARS, "")


class NotHeldTests(JamTests):
    """The same for a sender whose messages have their entries at once."""

    s2s = f"retry_min_s = 1\nretry_max_s = 2\n{MUCH}"


class BoundTests(Two):
    """Romeo's server is not there."""

    s2s = f"queue_bytes = {64 * 1024}"

    def test_long_tags(self) -> None:
        """promises#outgoing-messages: attributes count as content does."""
        self.montague.vanish()
        for _ in range(5):
            self.juliet.send(
                f"<message to='romeo@{MONTAGUE}' id='{'x' * LONG_CHARS}'><body>Romeo!</body></message>"
            )
        self.settle()
        (answer,) = self.came(self.juliet)
        self.assertIn("Too much waits", answer)

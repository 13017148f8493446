"""One busy peer keeps nobody waiting: what a turn may cost is counted, as calls of functions, and never timed."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from tests.counting import calls
from tests.net.streams.s2s.test_bad_peers import Peer, PeerTestCase
from tests.net.streams.s2s.two import CAPULET
from xmppd.net.transport.sockets import READ_BYTES
from xmppd.testing.network import Wire

TURN_CALLS = 120_000
"""Of functions, in one turn; some 6 or 7 of them take a microsecond, so this is less than 20 ms."""
JULIET = f"juliet@{CAPULET}"
KINDS = {
    "an empty message": f"<message from='a@verona.example' to='{JULIET}/balcony'/>",
    "a message to an account": f"<message from='a@verona.example' to='{JULIET}' type='chat'><body>x</body></message>",
    "a message to nobody": f"<message from='a@verona.example' to='x@{CAPULET}'/>",
    "a message between new addresses": f"<message from='a@verona.example/{{0}}' to='b{{0}}@{CAPULET}'/>",
    "presence": f"<presence from='a@verona.example' to='{JULIET}'/>",
    "a probe": f"<presence from='a@verona.example' to='{JULIET}' type='probe'/>",
    "a request for a subscription": f"<presence from='a{{0}}@verona.example' to='{JULIET}' type='subscribe'/>",
    "a ping": f"<iq from='verona.example' to='{CAPULET}' id='1' type='get'><ping xmlns='urn:xmpp:ping'/></iq>",
    "disco": f"<iq from='verona.example' to='{CAPULET}' id='1' type='get'>"
    "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
    "an unknown IQ": f"<iq from='verona.example' to='{CAPULET}' id='1' type='get'><a xmlns='b'/></iq>",
    "a claim to be a domain": f"<db:result from='v{{0}}.example' to='{CAPULET}'>x</db:result>",
}


def one_read(stanza: str) -> bytes:
    """Give as many of a kind as are read at once; ``{0}`` in it is another number each time."""
    data, number = b"", 0
    while len(data) < READ_BYTES:
        data += stanza.format(number).encode()
        number += 1
    return data[:READ_BYTES]


class FairnessTests(PeerTestCase):
    """Verona says much to Juliet's server."""

    def busy(self) -> tuple[Peer, Callable[[bytes], None]]:
        """Give a peer that has authenticated, and what its server's end is handed its bytes by."""
        peer = self.authenticated()
        assert isinstance(peer.transport, Wire)
        assert peer.transport.peer is not None
        return peer, peer.transport.peer.protocol.dataReceived

    def test_a_turn(self) -> None:
        """What is read of a connection in one turn costs no more than that, whatever it is full of."""
        self.network.silent.add("192.0.2.99")
        self.network.names = {f"v{number}.example": ("192.0.2.99",) for number in range(1_000)}
        for resource in range(10):
            self.capulet.logged_in(f"{JULIET}/{resource}").send("<presence/>")
        for name, stanza in KINDS.items():
            peer, arrives = self.busy()
            cost = calls(arrives, one_read(stanza))
            self.assertLess(cost, TURN_CALLS, name)
            assert isinstance(peer.transport, Wire)
            peer.transport.abortConnection()

    def test_clients_have_their_turns(self) -> None:
        """However much a peer has sent, a client waits for one read of it; the rest arrives as well, in order."""
        received, counters = 400_000, self.capulet.peers.federation.counters
        peer, _ = self.busy()
        nurse = self.capulet.logged_in(f"nurse@{CAPULET}/x")
        count = received // len(self.numbered(0))
        peer.say("".join(map(self.numbered, range(count))))
        seen: list[int] = []

        def say() -> None:
            nurse.send(
                f"<message to='{JULIET}/balcony' type='chat' id='n{len(seen)}'><body>!</body></message>"
            )
            self.assertEqual(self.juliet.inbox[-1].get("id"), f"n{len(seen)}")
            seen.append(counters.received)
            if seen[-1] < count:
                self.network.clock.callLater(0, say)

        most = self.most_calls_in_a_turn(say)
        ids = [each.get("id") or "" for each in self.juliet.inbox]
        self.assertEqual(
            [each for each in ids if each[0] == "v"], [f"v{number:05}" for number in range(count)]
        )
        between = [later - before for before, later in pairwise(seen)]
        self.assertLessEqual(max(between), READ_BYTES // len(self.numbered(0)) + 1)
        self.assertLess(most, TURN_CALLS)

    def numbered(self, number: int) -> str:
        """Give a message of Verona's."""
        return (
            f"<message from='a@verona.example' to='{JULIET}/balcony' type='chat' id='v{number:05}'>"
            "<body>x</body></message>"
        )

    def most_calls_in_a_turn(self, say: Callable[[], None]) -> int:
        """Let *say* be called, and all that is due; give what the dearest call of the reactor's costs."""
        clock, costs = self.network.clock, [0]
        call_later = clock.callLater

        def counting(delay: float, function: Callable[..., object], *args: Any, **words: Any) -> Any:
            return call_later(delay, lambda: costs.append(calls(lambda: function(*args, **words))))

        self.patch(clock, "callLater", counting)
        clock.callLater(0, say)
        self.settle(5)
        return max(costs)

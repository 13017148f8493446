"""Random lives of a server that holds commits back (promises#outgoing-messages)."""

import random

from tests.net.streams.s2s.two import CAPULET, MONTAGUE
from tests.services.federation.sending import HELD_S, JULIET, MOMENT_S, Sending
from xmppd.services.federation.holding import TICK_S
from xmppd.testing.peers import PeerServer

LIVES = 15


class LivesTests(Sending):
    """Random lives: what happens to the two servers, their stream and their disks, and what holds after all."""

    def test_what_was_acknowledged_arrives_once_and_in_order(self) -> None:
        """promises#outgoing-messages"""
        for seed in range(LIVES):
            with self.subTest(seed=seed):
                self.live(random.Random(seed))
            for server in (self.capulet, self.montague):
                server.vanish()
            super().setUp()

    def live(self, chance: random.Random) -> None:
        """Send, and let happen what may; then all that was acknowledged is there, once."""
        self.sent = ["first"]
        self.safe: set[str] = set()
        self.got: list[str] = []
        self.ids: set[str | None] = set()
        doings = [self._say] * 6 + [self._ask, self._wait, self._wait_long, self._nurse]
        doings += [self._break, self._freeze, self._kill_receiver, self._kill_sender]
        for _ in range(30):
            chance.choice(doings)(chance)
            self._look()
        self.capulet.break_connections()
        self.settle(30)
        self._look()
        self.assertEqual(sorted(self.safe - set(self.got) - {"first", "Madam"}), [])
        self.assertEqual(len(self.got), len(set(self.got)))
        self.assertEqual(self.got, sorted(self.got, key=int))
        self.assertEqual(self.rows(), 0)

    def _look(self) -> None:
        """What Romeo's server gives him again, since it was killed, has the stanza-id that it had."""
        for element in self.romeo.inbox:
            text, id = element.findtext("{jabber:client}body"), element.find("{urn:xmpp:sid:0}stanza-id")
            if element.get("type") == "chat" and text is not None and id is not None:
                if id.get("id") not in self.ids:
                    self.got.append(text)
                self.ids.add(id.get("id"))
        self.romeo.inbox.clear()
        h = self.h()
        if h is not None:
            self.safe |= set(self.sent[:h])

    def _say(self, chance: random.Random) -> None:
        self.number = getattr(self, "number", 0) + 1
        self.sent.append(str(self.number))
        self.speak(self.sent[-1])
        self.settle(chance.choice((0.0, MOMENT_S, TICK_S)))

    def _ask(self, chance: random.Random) -> None:
        self.ask()

    def _wait(self, chance: random.Random) -> None:
        self.settle(chance.uniform(0, 3 * TICK_S))

    def _wait_long(self, chance: random.Random) -> None:
        self.settle(chance.uniform(0, 2 * HELD_S))

    def _nurse(self, chance: random.Random) -> None:
        self.sent.append("Madam")
        self.juliet.send(f"<message to='nurse@{CAPULET}' type='chat'><body>Madam</body></message>")

    def _break(self, chance: random.Random) -> None:
        self.capulet.break_connections()

    def _freeze(self, chance: random.Random) -> None:
        """What is frozen stays so until it breaks: else what it holds would be missing between what came and comes."""
        for wire in self.network.wires:
            wire.is_frozen = wire.is_frozen or (wire.protocol is not None and chance.random() < 0.2)

    def _kill_receiver(self, chance: random.Random) -> None:
        left = self.montague.storage.killed()
        self.montague.vanish()
        self.settle(chance.uniform(0, 1))
        self.montague = PeerServer(self.montague.text, self.network, left)
        self.romeo = self.montague.logged_in(f"romeo@{MONTAGUE}/orchard")
        self.romeo.send("<presence/>")

    def _kill_sender(self, chance: random.Random) -> None:
        """Its client does not send again what was not acknowledged: so nothing may come twice."""
        left = self.capulet.storage.killed()
        self.capulet.vanish()
        self.capulet = PeerServer(self.capulet.text, self.network, left)
        self.juliet = self.capulet.logged_in(f"{JULIET}/balcony")
        self.enable()
        self.sent = []

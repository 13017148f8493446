"""Presence across two servers: RFC 6121 3 and 4, with connections that break."""

import random

from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two
from xmppd.stanza.stanza import Stanza
from xmppd.testing.client import Client
from xmppd.testing.server import now

JULIET, ROMEO = f"juliet@{CAPULET}", f"romeo@{MONTAGUE}"
ROSTER = "<iq id='r' type='get'><query xmlns='jabber:iq:roster'/></iq>"
MIRRORED = {"none": "none", "to": "from", "from": "to", "both": "both"}


class PresenceTests(Two):
    """Juliet and Romeo, each interested and available."""

    s2s = "retry_min_s = 1"

    def setUp(self) -> None:
        """Begin."""
        super().setUp()
        for client in (self.juliet, self.romeo):
            client.send(ROSTER + "<presence/>")
        self.forget()

    def forget(self) -> None:
        """Forget what has come."""
        self.settle()
        self.came(self.juliet)
        self.came(self.romeo)

    def presences(self, client: Client) -> list[str]:
        """Give the presence that has come."""
        return [each for each in self.came(client) if each.startswith("presence")]

    def subscribe(self) -> None:
        """Let both see each other."""
        for one, other, client, friend in (
            (JULIET, ROMEO, self.juliet, self.romeo),
            (ROMEO, JULIET, self.romeo, self.juliet),
        ):
            client.send(f"<presence to='{other}' type='subscribe'/>")
            self.settle()
            friend.send(f"<presence to='{one}' type='subscribed'/>")
            self.settle()
        self.forget()

    def subscription(self, one: str, other: str) -> str:
        """Give the subscription state of *other* in the roster of *one*."""
        server = self.capulet if one == JULIET else self.montague
        roster = now(server.server.rosters.load(one))
        item = roster.item(other)
        return "none" if item is None else str(getattr(item.subscription, "value", item.subscription))

    def test_comes_and_goes(self) -> None:
        """RFC 6121 4.2, 4.4, 4.5: to a contact elsewhere as to one here."""
        self.subscribe()
        self.assertEqual(
            (self.subscription(JULIET, ROMEO), self.subscription(ROMEO, JULIET)), ("both", "both")
        )
        self.romeo.send("<presence><show>away</show></presence>")
        self.settle()
        self.assertEqual(self.presences(self.juliet), ["presence away"])
        assert self.romeo.carrier is not None
        self.romeo.carrier.lose()
        self.settle()
        self.assertEqual([each.split()[1] for each in self.presences(self.juliet)], ["unavailable"])

    def test_who_comes_online_is_told(self) -> None:
        """RFC 6121 4.3: by a probe."""
        self.subscribe()
        self.romeo.send("<presence><show>dnd</show></presence>")
        self.forget()
        other = self.capulet.logged_in(f"{JULIET}/chamber")
        other.send("<presence/>")
        self.settle()
        self.assertIn("presence dnd", self.presences(other))

    def test_strangers_learn_nothing(self) -> None:
        """RFC 6121 4.3.2: unsubscribed, whether there is such an account or not."""
        answers = []
        for name in ("romeo", "nobody"):
            probe = f"<presence to='{name}@{MONTAGUE}' type='probe' from='{JULIET}'/>"
            self.capulet.server.router.route(Stanza.parse(probe.encode()))
            self.settle()
            answers.append(self.montague.peers.federation.counters.sent)
        self.assertEqual(answers, [1, 2])
        self.assertEqual(self.subscription(ROMEO, JULIET), "none")

    def test_the_end_of_a_subscription(self) -> None:
        """RFC 6121 3.2, 3.3: cancelled and unsubscribed, at both ends."""
        self.subscribe()
        self.juliet.send(f"<presence to='{ROMEO}' type='unsubscribe'/>")
        self.settle()
        self.assertEqual((self.subscription(JULIET, ROMEO), self.subscription(ROMEO, JULIET)), ("from", "to"))
        self.juliet.send(f"<presence to='{ROMEO}' type='unsubscribed'/>")
        self.settle()
        self.assertEqual(
            (self.subscription(JULIET, ROMEO), self.subscription(ROMEO, JULIET)), ("none", "none")
        )

    def test_blocked(self) -> None:
        """XEP-0191: what one from elsewhere sends is not delivered."""
        self.subscribe()
        self.juliet.send(
            f"<iq id='b' type='set'><block xmlns='urn:xmpp:blocking'><item jid='{ROMEO}'/></block></iq>"
        )
        self.forget()
        self.answer("hello")
        self.romeo.send("<presence><show>away</show></presence>")
        self.settle()
        self.assertEqual([each for each in self.came(self.juliet) if not each.startswith("iq")], [])

    def test_what_is_unreachable(self) -> None:
        """RFC 6120 10.4: who is sent directed presence in vain is told so."""
        self.montague.vanish()
        self.juliet.send(f"<presence to='{ROMEO}'/>")
        self.settle()
        self.assertEqual([each.split()[1] for each in self.presences(self.juliet)], ["error"])

    def test_rosters_agree_whatever_happens(self) -> None:
        """Of two rosters one mirrors the other, however the connections break meanwhile."""
        for seed in range(12):
            chance = random.Random(seed)
            for _ in range(12):
                client, other = chance.choice(((self.juliet, ROMEO), (self.romeo, JULIET)))
                kind = chance.choice(("subscribe", "subscribed", "unsubscribe", "unsubscribed"))
                client.send(f"<presence to='{other}' type='{kind}'/>")
                if chance.random() < 0.4:
                    chance.choice((self.capulet, self.montague)).break_connections()
                self.settle(chance.choice((0.0, 0.3, 3.0)))
            self.settle(30)
            states = self.subscription(JULIET, ROMEO), self.subscription(ROMEO, JULIET)
            self.assertEqual(states[1], MIRRORED[states[0]], f"seed {seed}: {states}")
            self.forget()

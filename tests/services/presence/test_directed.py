"""Directed presence (RFC 6121 4.6), and probes (4.3)."""

from twisted.trial.unittest import SynchronousTestCase

from tests.services.presence.presences import PresenceWorld, seen
from tests.services.presence.test_presence import BALCONY, CHAMBER, JULIET, ORCHARD, ROMEO
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.testing.sessions import written


class DirectedTests(SynchronousTestCase):
    """Directed presence and its retraction: 4.6."""

    def setUp(self) -> None:
        """Juliet is there; Romeo is connected."""
        self.world = PresenceWorld()
        self.balcony = self.world.come(BALCONY)
        self.orchard = self.world.bind(ORCHARD)

    def test_retracted_at_the_end_of_a_resource_that_was_never_available(self) -> None:
        """RFC 6121 4.6.4: who saw it by direction alone is told; a subscriber's full JID too."""
        world = PresenceWorld()
        world.befriend(ROMEO, JULIET)
        balcony, orchard = world.come(BALCONY), world.bind(ORCHARD)
        world.directed(orchard, BALCONY)
        world.lose(orchard)
        self.assertEqual(seen(balcony), [ORCHARD, f"{ORCHARD} unavailable"])

    def test_retracted_once_by_unavailable(self) -> None:
        """RFC 6121 4.6.4: undirected unavailable presence retracts it, the end then does not again."""
        self.world.send(self.orchard)
        self.world.directed(self.orchard, JULIET)
        self.world.send(self.orchard, Stanza.make("presence", type="unavailable"))
        self.world.lose(self.orchard)
        self.assertEqual(seen(self.balcony), [ORCHARD, f"{ORCHARD} unavailable"])

    def test_what_the_client_took_back_is_not_retracted_again(self) -> None:
        """RFC 6121 4.6.4: unless directed unavailable presence was sent."""
        self.world.directed(self.orchard, BALCONY)
        self.world.directed(self.orchard, BALCONY, "unavailable")
        self.world.lose(self.orchard)
        self.assertEqual(seen(self.balcony), [ORCHARD, f"{ORCHARD} unavailable"])

    def test_broadcasts_do_not_go_to_who_saw_it_by_direction(self) -> None:
        """RFC 6121 4.6.3: later presence is not sent to them."""
        self.world.send(self.orchard)
        self.world.directed(self.orchard, JULIET)
        self.world.send(self.orchard)
        self.assertEqual(seen(self.balcony), [ORCHARD])

    def test_subscribers_and_oneself_are_told_once(self) -> None:
        """RFC 6121 4.6.4: who hears it by broadcast is not told again because of direction, at any address."""
        world = PresenceWorld()
        world.befriend(ROMEO, JULIET)
        balcony, garden, orchard = world.come(BALCONY), world.come(f"{ROMEO}/garden"), world.come(ORCHARD)
        for to in (JULIET, BALCONY, ROMEO, f"{ROMEO}/garden"):
            world.directed(orchard, to)
        seen(balcony), seen(garden)
        world.lose(orchard)
        gone = [f"{ORCHARD} unavailable"]
        self.assertEqual((seen(balcony), seen(garden)), (gone, gone))

    def test_a_subscribers_resource_that_is_not_available_is_told(self) -> None:
        """RFC 6121 4.6.4: the broadcast does not reach it, so the retraction must."""
        world = PresenceWorld()
        world.befriend(ROMEO, JULIET)
        balcony, orchard = world.bind(BALCONY), world.come(ORCHARD)
        world.directed(orchard, BALCONY)
        world.lose(orchard)
        self.assertEqual(seen(balcony), [ORCHARD, f"{ORCHARD} unavailable"])

    def test_a_withdrawn_subscription_takes_it_back(self) -> None:
        """RFC 6121 3.2.2: unavailable once, also to what was directed there, and no more at the end."""
        world = PresenceWorld()
        world.befriend(ROMEO, JULIET)
        balcony, chamber, orchard = world.come(BALCONY), world.bind(CHAMBER), world.come(ORCHARD)
        for to in (JULIET, BALCONY, CHAMBER):
            world.directed(orchard, to)
        seen(balcony), seen(chamber)
        world.presence.withdrawn(JID.parse(ROMEO), JID.parse(JULIET))
        gone = [f"{ORCHARD} unavailable"]
        self.assertEqual((seen(balcony), seen(chamber)), (gone, gone))
        self.assertEqual(orchard.directed, {})

    def test_the_oldest_is_retracted_beyond_the_limit(self) -> None:
        """A client that sends presence to 5,000 addresses is remembered for `directed_presences` of them."""
        world = PresenceWorld("[limits]\ndirected_presences = 2000")
        orchard = world.bind(ORCHARD)
        for number in range(5_000):
            world.directed(orchard, f"room{number}@example.net")
        self.assertEqual(len(orchard.directed or ()), 2_000)
        world.lose(orchard)
        world.turns()
        gone = [stanza.to for stanza in world.routed if stanza.type == "unavailable"]
        self.assertEqual(gone, [f"room{number}@example.net" for number in range(5_000)])

    def test_long_addresses_are_fewer(self) -> None:
        """What is remembered of long addresses is bounded by their length: all are retracted by one stanza."""
        for number in range(300):
            self.world.directed(self.orchard, f"room{number}@example.net/{'x' * 1_000}")
        directed = self.orchard.directed or ()
        self.assertTrue(200 < len(directed) < 260, len(directed))
        self.assertIn(f"room299@example.net/{'x' * 1_000}", directed)
        self.world.lose(self.orchard)
        self.world.turns()
        gone = [stanza.to for stanza in self.world.routed if stanza.type == "unavailable"]
        self.assertEqual(len(set(gone)), 300)

    def test_presence_to_a_resource_that_is_not_there_is_dropped(self) -> None:
        """RFC 6121 8.5.3.2: no error, and nobody else gets it."""
        self.world.directed(self.orchard, f"{JULIET}/crypt")
        self.assertEqual((seen(self.balcony), written(self.orchard)), ([], b""))


class ProbeTests(SynchronousTestCase):
    """Probes: 4.3."""

    def setUp(self) -> None:
        """Juliet lets Romeo, elsewhere, see her presence."""
        self.world = PresenceWorld()
        self.world.know(JULIET, "romeo@example.net", subscription="from")

    def come(self, full_jid: str) -> None:
        """Let Juliet come; what that tells Romeo is not looked at."""
        self.world.come(full_jid)
        self.world.routed.clear()

    def probe(
        self, sender: str = "romeo@example.net/orchard", to: str = JULIET
    ) -> list[tuple[str | None, ...]]:
        """Let a probe come; give the answers."""
        self.world.server.router.route(Stanza.make("presence", from_=sender, to=to, type="probe"))
        answers: list[tuple[str | None, ...]] = [
            (stanza.from_, stanza.type, stanza.to) for stanza in self.world.routed
        ]
        self.world.routed.clear()
        return answers

    def test_subscribers_are_shown_each_available_resource(self) -> None:
        """RFC 6121 4.3.2: the last presence of each, with the time it was sent (XEP-0203)."""
        self.come(BALCONY)
        self.come(CHAMBER)
        self.world.bind(f"{JULIET}/crypt")
        who = "romeo@example.net/orchard"
        self.world.server.router.route(Stanza.make("presence", from_=who, to=JULIET, type="probe"))
        self.assertTrue(all(s.has("delay", "urn:xmpp:delay") for s in self.world.routed))
        self.world.routed.clear()
        self.assertEqual(self.probe(), [(BALCONY, None, who), (CHAMBER, None, who)])

    def test_a_full_jid_is_answered_for_that_resource(self) -> None:
        """RFC 6121 4.3.2: its presence, or that it is unavailable."""
        self.come(BALCONY)
        who = "romeo@example.net/orchard"
        self.assertEqual(self.probe(to=BALCONY), [(BALCONY, None, who)])
        self.assertEqual(self.probe(to=CHAMBER), [(CHAMBER, "unavailable", who)])

    def test_nobody_there_is_unavailable(self) -> None:
        """RFC 6121 4.3.2: a subscriber learns that the account has no available resource."""
        self.world.bind(BALCONY)
        self.assertEqual(self.probe(), [(JULIET, "unavailable", "romeo@example.net/orchard")])

    def test_strangers_and_unknown_accounts_look_alike(self) -> None:
        """RFC 6121 4.3.2: unsubscribed, whether there is such an account or not."""
        self.come(BALCONY)
        for to in (JULIET, BALCONY, "nobody@localhost"):
            bare = to.partition("/")[0]
            self.assertEqual(self.probe("a@example.net/x", to), [(bare, "unsubscribed", "a@example.net")])

    def test_names_of_nobody_cost_nothing(self) -> None:
        """Probes of names that a stranger makes up drive no roster out of memory."""
        self.come(BALCONY)
        kept = len(self.world.server.rosters.recent)
        for number in range(3_000):
            self.world.server.router.route(
                Stanza.make("presence", from_="a@example.net/x", to=f"n{number}@localhost", type="probe")
            )
        self.assertEqual(len(self.world.routed), 3_000)
        self.assertEqual(len(self.world.server.rosters.recent), kept)
        self.assertIsNotNone(self.world.server.rosters.loaded(JULIET))

    def test_own_resources_may_ask(self) -> None:
        """RFC 6121 4.3.2: one's own account sees itself."""
        balcony, chamber = self.world.come(BALCONY), self.world.come(CHAMBER)
        self.world.send(balcony, Stanza.make("presence", to=JULIET, type="probe"))
        self.assertEqual(seen(balcony), [f"{BALCONY} then", f"{CHAMBER} then"])
        self.assertEqual(seen(chamber), [])

    def test_who_waits_for_an_answer_is_not_answered(self) -> None:
        """RFC 6121 4.3.2: another server's user has asked for a subscription, of somebody or of nobody alike."""
        for to in (JULIET, "nobody@localhost"):
            for type in ("subscribe", "probe"):
                asked = Stanza.make("presence", from_="a@example.net", to=to, type=type)
                self.world.server.router.route(asked)
            self.assertEqual(self.probe("a@example.net/x", to), [], to)
            withdrawn = Stanza.make("presence", from_="a@example.net", to=to, type="unsubscribe")
            self.world.server.router.route(withdrawn)
            self.assertEqual(self.probe("a@example.net/x", to), [(to, "unsubscribed", "a@example.net")])

    def test_a_probe_without_an_address_is_dropped(self) -> None:
        """RFC 6121 4.3: there is nobody it could be for."""
        balcony = self.world.come(BALCONY)
        self.world.send(balcony, Stanza.make("presence", type="probe"))
        self.assertEqual(written(balcony), b"")

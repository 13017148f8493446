"""Where the server of a domain is looked for, and in which order."""

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.net.streams.s2s.two import MONTAGUE, Two
from xmppd.config.s2s import Route, S2s, S2sDomain
from xmppd.core.outgoing import CannotConnect, Service
from xmppd.core.timers import Timers
from xmppd.net.streams.s2s.dialling import Race, interleaved
from xmppd.net.streams.s2s.targets import Target, in_order, may_go_to, targets_of
from xmppd.testing.network import MemoryNetwork


class TargetTests(SynchronousTestCase):
    """`targets_of`."""

    def targets(
        self, domain: str = "b.example", settings: S2s | None = None, **records: Service
    ) -> list[Target]:
        """Give the targets; *records* are those of b.example."""
        network = MemoryNetwork(Clock())
        for kind, record in records.items():
            network.records[f"_{kind.replace('_', '-')}._tcp.b.example"] = (record,)
        found = targets_of(domain, settings or S2s(), network, lambda: 0.5)
        return self.successResultOf(Deferred.fromCoroutine(found))

    def test_without_records(self) -> None:
        """RFC 6120 3.2.2: the domain itself, at 5269; so with an address."""
        self.assertEqual(self.targets(), [Target("b.example", 5269)])
        self.assertEqual(self.targets("[2001:db8::1]"), [Target("2001:db8::1", 5269)])

    def test_direct_tls_beside_the_others(self) -> None:
        """XEP-0368 3: one list, by priority."""
        found = self.targets(xmpp_server=Service(2, 0, 1, "a"), xmpps_server=Service(1, 0, 2, "b"))
        self.assertEqual(found, [Target("b", 2, True), Target("a", 1, False)])

    def test_route(self) -> None:
        """What an operator says goes before DNS."""
        settings = S2s(domains={"b.example": S2sDomain(route=Route("192.0.2.1", 7), direct_tls=True)})
        found = self.targets(settings=settings, xmpp_server=Service(2, 0, 1, "a"))
        self.assertEqual(found, [Target("192.0.2.1", 7, True, True)])

    def test_weights(self) -> None:
        """RFC 2782: within a priority at random by weight, those without weight rarely."""
        records = [(Service(1, weight, weight, "a"), False) for weight in (0, 10, 30)]
        for random, first in ((0.0, 0), (0.1, 10), (0.5, 30), (0.99, 30)):
            found = in_order(records, lambda random=random: random)  # type: ignore[misc]  # bound at once
            self.assertEqual(found[0][0].port, first)
            self.assertEqual(len(found), 3)

    def test_where_dns_may_lead(self) -> None:
        """Not to this machine, unless that is allowed."""
        for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0", "fe80::1", "224.0.0.1"):
            self.assertFalse(may_go_to(address, S2s()))
        self.assertTrue(may_go_to("127.0.0.1", S2s(allow_loopback=True)))
        self.assertTrue(may_go_to("192.0.2.1", S2s()))


class RaceTests(SynchronousTestCase):
    """RFC 8305 5."""

    def setUp(self) -> None:
        """Three attempts."""
        self.clock = Clock()
        self.begun: list[Deferred[str]] = []
        self.race = Race(Timers(self.clock), [self.attempt] * 3, 10.0).run()

    def attempt(self) -> Deferred[str]:
        """Begin another."""
        begun: Deferred[str] = Deferred()
        self.begun.append(begun)
        return begun

    def test_one_beside_the_other(self) -> None:
        """The next begins after a quarter of a second, or at once where one fails."""
        self.assertEqual(len(self.begun), 1)
        self.clock.advance(0.25)
        self.assertEqual(len(self.begun), 2)
        self.begun[0].errback(CannotConnect("no"))
        self.assertEqual(len(self.begun), 3)

    def test_the_first_that_succeeds(self) -> None:
        """The others are given up."""
        self.clock.advance(0.25)
        self.begun[1].callback("here")
        self.assertEqual(self.successResultOf(self.race), "here")
        self.assertTrue(self.begun[0].called)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_none(self) -> None:
        """It fails as the last; or when the time is over."""
        for _ in range(3):
            self.begun[-1].errback(CannotConnect("no"))
        self.failureResultOf(self.race, CannotConnect)
        late = Race(Timers(self.clock), [self.attempt], 10.0).run()
        self.clock.advance(10)
        self.failureResultOf(late, CannotConnect)

    def test_at_once(self) -> None:
        """Answers that are there already."""
        race = Race(Timers(self.clock), [lambda: fail(CannotConnect("no")), lambda: succeed("here")], 10.0)
        self.assertEqual(self.successResultOf(race.run()), "here")

    def test_families_take_turns(self) -> None:
        """RFC 8305 4."""
        self.assertEqual(interleaved(["::1", "::2", "::3", "1.1.1.1"]), ["::1", "1.1.1.1", "::2", "::3"])
        self.assertEqual(interleaved([]), [])


class AddressesTests(Two):
    """A server with two addresses, at the first of which somebody takes connections and says nothing."""

    s2s = "connect_timeout_s = 5"

    def setUp(self) -> None:
        """It is the first one that answers."""
        super().setUp()
        self.network.names[MONTAGUE] = ("2001:db8::7", *self.network.names[MONTAGUE])
        self.network.listening["2001:db8::7", 5269] = lambda peer: Protocol()

    def test_the_other_one(self) -> None:
        """It has its turn when the time for the first is over (RFC 6120 3.2.1)."""
        self.say("one")
        self.settle(5)
        self.assertEqual(self.came(self.romeo), ["message chat one"])

    def test_neither(self) -> None:
        """Then it is told, once, and a search later it is tried again."""
        self.montague.vanish()
        self.juliet.send(f"<iq to='{MONTAGUE}' id='p' type='get'><ping xmlns='urn:xmpp:ping'/></iq>")
        self.settle(5)
        (answer,) = self.came(self.juliet)
        self.assertIn("does not answer", answer)
        self.assertEqual([address for address, _ in self.network.dialled], list(self.network.names[MONTAGUE]))

    def test_what_the_certificate_says_is_final(self) -> None:
        """It is the same server at each."""
        self.network.listening["2001:db8::7", 5269] = self.network.listening[self.montague.address, 5269]
        self.montague.tls.certificates[MONTAGUE] = ("verona.example",)
        self.say("one")
        self.assertIn("is for verona.example", self.came(self.juliet)[0])
        self.assertEqual(self.network.dialled, [("2001:db8::7", 5269)])

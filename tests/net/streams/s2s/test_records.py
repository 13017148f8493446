"""What DNS says of the certificate of who comes in: RFC 7673 3, by a scripted resolver."""

from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.s2s import Route, S2s, S2sDomain
from xmppd.core.outgoing import Pin, Service
from xmppd.net.streams.s2s.believing import BY_AUTHORITY, BY_DNS, Belief, Lookups, belief
from xmppd.net.streams.s2s.records import LOOKUPS, Records, Said
from xmppd.net.streams.s2s.targets import MOST
from xmppd.net.tls.dane import Pinned
from xmppd.services.federation.outbound import Failed
from xmppd.testing.network import MemoryNetwork

DOMAIN = "verona.example"
ONE, OTHER = "one.verona.example", "other.verona.example"
PIN, OTHER_PIN = Pin(3, 1, 0, b"a key"), Pin(3, 1, 0, b"another key")


class RecordsTestCase(SynchronousTestCase):
    """Base: a network with the names of one domain."""

    def setUp(self) -> None:
        """Nothing is known yet."""
        self.network = MemoryNetwork(Clock())
        self.settings = S2s(dane=True)
        self.records = Records(lambda: self.settings, self.network)

    def find(self, *services: Service, kind: str = "_xmpp-server") -> None:
        """Let these be its SRV records."""
        self.network.records[f"{kind}._tcp.{DOMAIN}"] = services

    def said(self) -> Said:
        """Ask."""
        return self.successResultOf(self.records.of(DOMAIN))


class RecordsTests(RecordsTestCase):
    """`Records.of`."""

    def test_all_targets(self) -> None:
        """At each port, with direct TLS or not."""
        self.find(Service(1, 0, 5269, ONE, True))
        self.find(Service(2, 0, 5270, OTHER, True), kind="_xmpps-server")
        self.network.pins_of = {(ONE, 5269): (PIN,), (OTHER, 5270): (OTHER_PIN,)}
        pinned = (Pinned(DOMAIN, ONE, (PIN,)), Pinned(DOMAIN, OTHER, (OTHER_PIN,)))
        self.assertEqual(self.said(), Said(pinned, is_open=False))

    def test_a_target_of_which_it_says_nothing(self) -> None:
        """3.3: there an authority's word is enough, as if we went there."""
        self.find(Service(1, 0, 5269, ONE, True), Service(2, 0, 5269, OTHER, True))
        self.network.pins_of = {(ONE, 5269): (PIN,)}
        self.assertEqual(self.said(), Said((Pinned(DOMAIN, ONE, (PIN,)),), is_open=True))

    def test_what_nobody_vouches_for(self) -> None:
        """3.1: TLSA records of its targets are no proof of the domain."""
        self.find(Service(1, 0, 5269, ONE, False))
        self.network.pins_of = {(ONE, 5269): (PIN,)}
        self.assertEqual(self.said(), Said((), is_open=True))

    def test_what_nobody_can_be_held_to(self) -> None:
        """RFC 6698 4.1: as if there were no records."""
        self.find(Service(1, 0, 5269, ONE, True))
        self.network.pins_of = {(ONE, 5269): (Pin(9, 1, 0, b"?"),)}
        self.assertEqual(self.said(), Said((), is_open=True))

    def test_no_way_there(self) -> None:
        """Without SRV records, with one that says that there is no such service, or where an operator says where."""
        self.assertEqual(self.said(), Said((), is_open=True))
        self.find(Service(1, 0, 0, "", True))
        self.assertEqual(self.said(), Said((), is_open=True))
        self.settings = S2s(dane=True, domains={DOMAIN: S2sDomain(route=Route(ONE, 5269))})
        self.network.is_nameless = True
        self.assertEqual(self.said(), Said((), is_open=True))

    def test_a_forged_one_beside_a_good_one(self) -> None:
        """3.3: nobody is believed as that target; the other one counts."""
        self.find(Service(1, 0, 5269, ONE, True), Service(2, 0, 5269, OTHER, True))
        self.network.pins_of = {(OTHER, 5269): (PIN,)}
        self.network.forged = {ONE}
        said = self.said()
        self.assertEqual((said.pinned, said.is_open), ((Pinned(DOMAIN, OTHER, (PIN,)),), False))
        assert said.failed is not None
        self.assertEqual(said.failed.condition, "remote-server-timeout")

    def test_no_name_server(self) -> None:
        """Who takes the records away must not win by it."""
        self.network.is_nameless = True
        said = self.said()
        self.assertEqual((said.pinned, said.is_open), ((), False))
        self.assertIsNotNone(said.failed)

    def test_no_more_targets_than_are_gone_to(self) -> None:
        """A domain may name as many as it likes."""
        self.find(*(Service(each, 0, 5269, f"{each}.example", True) for each in range(MOST + 5)))
        self.network.pins_of = {(f"{each}.example", 5269): (PIN,) for each in range(MOST + 5)}
        self.assertEqual(
            [each.host for each in self.said().pinned], [f"{each}.example" for each in range(MOST)]
        )

    def test_many_at_a_time(self) -> None:
        """It is told when they are too many for more of one stream; what is given up counts no longer."""
        self.network.slow.add(DOMAIN)
        asked = [self.records.of(DOMAIN) for _ in range(LOOKUPS)]
        self.assertTrue(self.records.is_busy)
        asked[0].cancel()
        self.failureResultOf(asked[0], CancelledError)
        self.assertFalse(self.records.is_busy)


class LookupsTests(RecordsTestCase):
    """`Lookups`."""

    def test_given_up(self) -> None:
        """Nothing is told then, and the name servers' answer is of no use to anybody."""
        self.network.slow.add(DOMAIN)
        told: list[Said] = []
        lookups = Lookups(self.records)
        waiting = lookups.ask(DOMAIN, told.append)
        lookups.give_up()
        self.successResultOf(waiting)
        self.assertEqual(told, [])
        self.assertTrue(self.network.questions[0].called)


class BeliefTests(SynchronousTestCase):
    """`belief`."""

    def found(self, said: Said, *, is_as_pinned: bool, is_covered: bool) -> Belief:
        """Give what comes of it."""
        return belief(DOMAIN, said, lambda pinned: is_as_pinned, lambda domain: is_covered)

    def test_as_dns_says(self) -> None:
        """At one of its targets: whatever authorities say, and whatever is not known of others."""
        pinned = (Pinned(DOMAIN, ONE, (PIN,)), Pinned(DOMAIN, OTHER, (PIN,)))
        said = Said(pinned, is_open=False, failed=Failed("remote-server-timeout", "?"))
        found = belief(DOMAIN, said, lambda each: each.host == OTHER, lambda domain: False)
        self.assertEqual(found, Belief(BY_DNS))

    def test_not_as_dns_says(self) -> None:
        """No authority helps, nor anything else."""
        found = self.found(
            Said((Pinned(DOMAIN, ONE, (PIN,)),), is_open=False), is_as_pinned=False, is_covered=True
        )
        self.assertEqual(found.by, "")
        assert found.failed is not None
        self.assertEqual(found.failed.condition, "not-authorized")
        self.assertIn(f"TLSA of {ONE}", found.failed.text)

    def test_where_dns_says_nothing(self) -> None:
        """Authorities count; without their word there are other means."""
        said = Said((), is_open=True)
        self.assertEqual(self.found(said, is_as_pinned=False, is_covered=True), Belief(BY_AUTHORITY))
        self.assertEqual(self.found(said, is_as_pinned=False, is_covered=False), Belief())

    def test_what_is_not_known(self) -> None:
        """It may be asked again later, and until then nothing is believed."""
        failed = Failed("remote-server-timeout", "no name server answers")
        said = Said((), is_open=False, failed=failed)
        self.assertEqual(self.found(said, is_as_pinned=False, is_covered=True), Belief(failed=failed))

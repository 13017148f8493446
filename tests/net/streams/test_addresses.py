"""Connections counted by address (limits.connections_per_address)."""

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.limits import Limits
from xmppd.net.streams.addresses import AddressCounter
from xmppd.testing.client import Client
from xmppd.testing.server import FakeTLS, MemoryServer


class AddressCounterTests(SynchronousTestCase):
    """`AddressCounter`."""

    def test_counts_and_forgets(self) -> None:
        """An address without connections takes no memory."""
        counter = AddressCounter()
        counter.add("a")
        counter.add("a")
        counter.add("b")
        counter.remove("b")
        self.assertEqual((counter["a"], counter["b"], len(counter)), (2, 0, 1))
        counter.remove("b")
        self.assertEqual(counter["b"], 0)

    def test_ipv6(self) -> None:
        """A /64 network is one address: who has one has more addresses than could be counted."""
        counter = AddressCounter()
        for number in range(3):
            counter.add(f"2001:db8::{number}")
        self.assertEqual((counter["2001:db8::ffff"], counter["2001:db8:0:1::"], len(counter)), (3, 0, 1))
        for number in range(3):
            counter.remove(f"2001:db8::{number}")
        self.assertEqual(len(counter), 0)


class RateTests(SynchronousTestCase):
    """How many connections an address opens."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.counter = AddressCounter(self.clock.seconds)
        self.limits = Limits(connections_per_minute=2)

    def opened(self, *addresses: str) -> list[bool]:
        """Whether each may connect, one after the other."""
        return [self.counter.admits(address, self.limits) for address in addresses]

    def test_within_a_minute(self) -> None:
        """So many, also where each ends at once; another address is not touched, and a minute later it is allowed."""
        here, there = "192.0.2.1", "192.0.2.2"
        self.assertEqual(self.opened(here, here, here, there), [True, True, False, True])
        self.assertEqual(self.counter.refused, 1)
        self.clock.advance(60)
        self.assertEqual(self.opened(here), [True])

    def test_this_machine(self) -> None:
        """A proxy or gateway connects for everybody."""
        for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
            self.assertEqual(self.opened(*[address] * 5), [True] * 5)


class LimitTests(SynchronousTestCase):
    """`C2SFactory.buildProtocol`."""

    def setUp(self) -> None:
        """A server that allows two connections an address."""
        self.world = MemoryServer("[limits]\nconnections_per_address = 2")

    def test_beyond_the_limit_nobody_is_served(self) -> None:
        """Per-address connection caps; another address is not touched, and who leaves makes room.

        promises#connections-of-an-address.
        """
        first = self.world.client("romeo@localhost/a")
        self.world.client("romeo@localhost/b")
        there, elsewhere = (IPv4Address("TCP", host, 1) for host in ("127.0.0.1", "192.0.2.1"))
        self.assertIsNone(self.world.factory.buildProtocol(there))
        self.assertIsNotNone(self.world.factory.buildProtocol(elsewhere))
        assert first.carrier is not None
        first.carrier.lose()
        self.assertIsNotNone(self.world.factory.buildProtocol(there))

    def test_all_ports_count_together(self) -> None:
        """The limit holds for STARTTLS and direct TLS together, not for each."""
        direct = self.world.server.c2s_factory(FakeTLS(), is_direct_tls=True)
        self.world.client("romeo@localhost/a")
        self.world.factory = direct
        self.world.client("romeo@localhost/b")
        self.assertIsNone(direct.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1)))

    def test_nothing_is_kept_of_who_has_gone(self) -> None:
        """Every table that a peer can grow is bounded: this one by the connections there are."""
        for _ in range(10):
            client: Client = self.world.client("romeo@localhost/a")
            assert client.carrier is not None
            client.carrier.lose()
        self.assertEqual(len(self.world.server.addresses), 0)
        self.assertEqual(len(self.world.factory.connections), 0)

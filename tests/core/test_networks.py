"""Who counts as one where addresses are counted."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.networks import network_of


class NetworkTests(SynchronousTestCase):
    """`network_of`."""

    def test_networks(self) -> None:
        """An IPv4 address is itself, of IPv6 a /64 network is one; what is no address stands for itself."""
        self.assertEqual(network_of("192.0.2.1"), "192.0.2.1")
        self.assertEqual(network_of("2001:db8::1"), network_of("2001:db8::ffff:1:2:3"))
        self.assertNotEqual(network_of("2001:db8::1"), network_of("2001:db8:0:1::1"))
        self.assertEqual(network_of("fe80::1%eth0"), network_of("fe80::2%eth0"))
        self.assertEqual(network_of("::ffff:192.0.2.1"), "192.0.2.1")
        for text in ("", "a:b", "localhost"):
            self.assertEqual(network_of(text), text)

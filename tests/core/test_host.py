"""The domains that are configured here, by name and kind."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.kinds import DomainKind
from xmppd.config.read import parse
from xmppd.core.host import Host, Hosts


class HostsTests(SynchronousTestCase):
    """`Hosts`."""

    def setUp(self) -> None:
        """A host with accounts and a service."""
        config, _ = parse('[hosts."a.example"]\n', "test.toml")
        assert config is not None
        settings = config.for_host("a.example")
        self.host, self.service = (
            Host("a.example", settings),
            Host("rooms.a.example", settings, DomainKind.SERVICE),
        )
        self.hosts = Hosts()
        self.hosts.add(self.host)
        self.hosts.add(self.service)

    def test_with_accounts(self) -> None:
        """What is served is not always what has accounts."""
        self.assertIs(self.hosts.get("rooms.a.example"), self.service)
        self.assertIsNone(self.hosts.with_accounts("rooms.a.example"))
        self.assertIs(self.hosts.with_accounts("a.example"), self.host)
        self.assertIsNone(self.hosts.with_accounts(None))
        self.assertEqual(self.hosts.of_accounts, (self.host,))
        self.assertTrue(self.host.has_accounts)
        self.assertFalse(self.service.has_accounts)

    def test_twice(self) -> None:
        """A domain is served once."""
        self.assertRaises(ValueError, self.hosts.add, Host("a.example", self.host.settings))

"""The table of domains: by name and kind."""

from tests.core.routing import RouterTestCase
from xmppd.core.domains.accounts import AccountDomain
from xmppd.core.domains.service import ServiceDomain


class DomainsTests(RouterTestCase):
    """Two hosts, a service, a component, and all others."""

    def test_kinds(self) -> None:
        """Each is of its kind, and always the same."""
        domains = self.router.domains
        for name, kind in (
            ("a.example", AccountDomain),
            ("b.example", AccountDomain),
            ("rooms.example", ServiceDomain),
            ("gateway.example", ServiceDomain),
        ):
            self.assertIsInstance(domains.of(name), kind)
            self.assertIs(domains.of(name), domains.of(name))
        self.assertIsNot(domains.of("a.example"), domains.of("b.example"))
        self.assertIs(domains.of("far.example"), self.router.remote)

    def test_names_of_strangers_are_not_kept(self) -> None:
        """However many others' domains stanzas go to, the table has those that are configured here."""
        for number in range(100):
            self.send("message", to=f"far{number}.example", type="headline")
        self.assertEqual(set(self.router.domains.by_name), set())
        self.send("message", to="b.example", type="headline")
        self.assertEqual(set(self.router.domains.by_name), {"b.example"})

    def test_made_anew(self) -> None:
        """A domain that is forgotten is what is configured for it then."""
        before = self.router.domains.of("rooms.example")
        self.router.domains.forget("rooms.example")
        self.router.domains.forget("far.example")
        self.assertIsNot(self.router.domains.of("rooms.example"), before)

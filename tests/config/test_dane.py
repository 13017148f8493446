"""``[s2s] dane``: with name servers that are believed."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.read import parse


class DaneTests(SynchronousTestCase):
    """Who stands between a name server and this machine could say that DNSSEC vouches."""

    def problems(self, resolvers: str) -> list[str]:
        """Give the identifiers of what is wrong."""
        text = f'[s2s]\ndane = true\nresolvers = [{resolvers}]\n[hosts."example.org"]\n'
        return [finding.id for finding in parse(text, "test.toml")[1]]

    def test_on_this_machine(self) -> None:
        """Any loopback address, or those of the system, which are looked at when they are asked."""
        for resolvers in ('"127.0.0.1:53"', '"127.0.0.53:53", "[::1]:53"', ""):
            self.assertEqual(self.problems(resolvers), [])

    def test_elsewhere(self) -> None:
        """One is enough."""
        self.assertEqual(self.problems('"127.0.0.1:53", "192.0.2.1:53"'), ["config.conflicting-keys"])

"""Hosts whose users are known elsewhere: what must be said about that."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.read import parse

HOST = '[hosts."example.org"]\nauth = "{kind}"\n'
TABLE = '[hosts."example.org".auth_{kind}]\n'
OAUTH = HOST.format(kind="oauth") + TABLE.format(kind="oauth")


class ElsewhereTests(SynchronousTestCase):
    """Each mistake, with its line and a word of the remedy."""

    def found(self, text: str) -> list[tuple[str, str, str]]:
        """Give identifier, line and remedy of each mistake."""
        _, findings = parse(text, "xmppd.toml")
        return [
            (each.id, each.place.rpartition(":")[2], each.remedy)
            for each in findings
            if each.severity == "error"
        ]

    def test_without_a_table(self) -> None:
        """Nothing says where it is."""
        for kind in ("ldap", "http", "oauth"):
            remedy = f'add the table [hosts."example.org".auth_{kind}]'
            self.assertEqual(self.found(HOST.format(kind=kind)), [("config.missing-key", "2", remedy)])

    def test_in_the_clear(self) -> None:
        """Passwords and tokens go over https, or stay on this machine."""
        text = HOST.format(kind="http") + TABLE.format(kind="http")
        ((identifier, line, _),) = self.found(text + 'url = "http://login.example/"\n')
        self.assertEqual((identifier, line), ("config.bad-value", "4"))
        self.assertEqual(self.found(text + 'url = "http://127.0.0.1:8080/"\n'), [])

    def test_addresses_of_ldap(self) -> None:
        """Another scheme is none."""
        text = HOST.format(kind="ldap") + TABLE.format(kind="ldap") + 'base = "dc=x"\n'
        self.assertEqual(self.found(text + 'url = "ldap://x"\n'), [])
        ((identifier, line, _),) = self.found(text + 'url = "x:389"\n')
        self.assertEqual((identifier, line), ("config.bad-value", "5"))

    def test_tokens(self) -> None:
        """They are asked about or looked at, not both; and looked at with whom they are from and for."""
        asked, keys = 'introspection_url = "https://x/"\n', 'jwks_url = "https://x/"\n'
        self.assertEqual(self.found(OAUTH + asked), [])
        self.assertEqual(self.found(OAUTH + keys + 'issuer = "x"\naudience = "y"\n'), [])
        for text in ("", asked + keys, keys, keys + 'issuer = "x"\n'):
            self.assertEqual([each[0] for each in self.found(OAUTH + text)], ["config.missing-key"], text)

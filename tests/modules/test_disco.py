"""Disco: identities of accounts, and the form of contact addresses (XEP-0157)."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.read import parse
from xmppd.core.module import Identity
from xmppd.modules.contact import FORM_TYPE, ContactOptions
from xmppd.services.discovery.disco import account_info, host_info
from xmppd.stanza.jid import JID
from xmppd.testing.server import MemoryServer

ROMEO = JID.parse("romeo@localhost")


class IdentityTests(SynchronousTestCase):
    """What an account is."""

    def test_registered(self) -> None:
        """An account of this server is registered, on an anonymous host it is anonymous."""
        for options, kind in (("", "registered"), ('[hosts."localhost"]\nauth = "anonymous"\n', "anonymous")):
            host = MemoryServer(options).server.hosts["localhost"]
            self.assertEqual(account_info(host, ROMEO, ROMEO).identities, [Identity("account", kind)])


class ContactTests(SynchronousTestCase):
    """The module `contact`."""

    def test_form(self) -> None:
        """XEP-0157 3: a field for each kind that is configured, with all its addresses."""
        server = MemoryServer(
            '[modules.contact]\nabuse = ["mailto:a@b", "xmpp:a@b"]\nstatus = ["https://b/"]\n'
        ).server
        (form,) = host_info(server.hosts["localhost"]).forms
        fields = {each.get("var"): [value.text for value in each.elements()] for each in form.elements()}
        self.assertEqual(
            fields,
            {
                "FORM_TYPE": [FORM_TYPE],
                "abuse-addresses": ["mailto:a@b", "xmpp:a@b"],
                "status-addresses": ["https://b/"],
            },
        )

    def test_none(self) -> None:
        """Without addresses there is no form."""
        self.assertEqual(host_info(MemoryServer().server.hosts["localhost"]).forms, [])

    def test_mistake(self) -> None:
        """An address that is no URI is told with its place and a remedy."""
        config, _ = parse('[hosts."localhost"]\n[modules.contact]\nabuse = ["abuse@b"]\n', "x.toml")
        assert config is not None
        options, findings = config.module_options("contact", ContactOptions, "localhost")
        self.assertIsNone(options)
        self.assertIn('"mailto:abuse@b"', str(findings[0]))

    def test_escaping(self) -> None:
        """XEP-0106 6: the feature is announced."""
        self.assertIn(r"jid\20escaping", host_info(MemoryServer().server.hosts["localhost"]).features)

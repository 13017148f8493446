"""Disco: identities of accounts, and the form of contact addresses (XEP-0157)."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.read import parse
from xmppd.core.host import Identity
from xmppd.core.module import Module, on
from xmppd.modules.contact import ContactOptions
from xmppd.services.discovery.disco import (
    NODE_INFO,
    NODE_ITEMS,
    SERVER_INFO,
    Info,
    Item,
    Items,
    account_info,
    host_info,
)
from xmppd.stanza.jid import JID
from xmppd.testing.server import MemoryServer
from xmppd.testing.stage import play

ROMEO = JID.parse("romeo@localhost")


class IdentityTests(SynchronousTestCase):
    """What an account is."""

    def test_registered(self) -> None:
        """An account of this server is registered, on an anonymous host it is anonymous."""
        for options, kind in (("", "registered"), ('[hosts."localhost"]\nauth = "anonymous"\n', "anonymous")):
            host = MemoryServer(options).server.hosts["localhost"]
            self.assertEqual(account_info(host, ROMEO, ROMEO).identities, [Identity("account", kind)])


class Nodes(Module):
    """Two nodes of each account: one for all, one for those who may see its presence."""

    name = "nodes"
    summary = "Nodes"

    @on(NODE_INFO)
    def on_info(self, info: Info) -> bool | None:
        """Judge."""
        return info.node == "open" or (info.node == "shy" and info.may_see_presence) or None

    @on(NODE_ITEMS)
    def on_items(self, items: Items) -> bool | None:
        """Judge alike, and show something."""
        items.items.append(Item("a.example"))
        return items.node == "open" or (items.node == "shy" and items.may_see_presence) or None


GATE = """
romeo is romeo@localhost/orchard
juliet is juliet@localhost/balcony
romeo logs in
juliet logs in
romeo sends:
    <iq type='get' id='1' to='juliet@localhost'>
    <query xmlns='http://jabber.org/protocol/disco#info' node='open'/></iq>
romeo receives:
    <iq type='result' id='1' from='juliet@localhost' to='{romeo}'>
    <query xmlns='http://jabber.org/protocol/disco#info' node='open'/></iq>
romeo sends:
    <iq type='get' id='2' to='juliet@localhost'>
    <query xmlns='http://jabber.org/protocol/disco#info' node='shy'/></iq>
romeo receives:
    <iq type='error' id='2' from='juliet@localhost' to='{romeo}'><error type='cancel'>
    <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
romeo sends:
    <iq type='get' id='3' to='juliet@localhost'>
    <query xmlns='http://jabber.org/protocol/disco#items' node='open'/></iq>
romeo receives:
    <iq type='result' id='3' from='juliet@localhost' to='{romeo}'>
    <query xmlns='http://jabber.org/protocol/disco#items' node='open'><item jid='a.example'/></query></iq>
romeo sends:
    <iq type='get' id='4' to='juliet@localhost'>
    <query xmlns='http://jabber.org/protocol/disco#items' node='shy'/></iq>
romeo receives:
    <iq type='result' id='4' from='juliet@localhost' to='{romeo}'>
    <query xmlns='http://jabber.org/protocol/disco#items' node='shy'/></iq>
juliet sends <iq type='get' id='5'><query xmlns='http://jabber.org/protocol/disco#info' node='shy'/></iq>
juliet receives:
    <iq type='result' id='5' to='{juliet}'><query xmlns='http://jabber.org/protocol/disco#info' node='shy'/></iq>
juliet sends <iq type='get' id='6'><query xmlns='http://jabber.org/protocol/disco#info' node='none'/></iq>
juliet receives:
    <iq type='error' id='6' to='{juliet}'><error type='cancel'>
    <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>
"""


class GateTests(SynchronousTestCase):
    """Who learns of an account (XEP-0030 8)."""

    def test_nodes_judge(self) -> None:
        """A node is asked whoever asks, and hears whether that may see the account's presence; others see nothing."""
        play(GATE, MemoryServer(modules=(Nodes,)))

    def test_no_roster_for_strangers_probes(self) -> None:
        """A name that does not exist loads no roster, which would push another's out of memory."""
        server = MemoryServer()
        romeo, loaded = server.logged_in("romeo@localhost"), list[str]()
        self.patch(server.server.rosters, "load", loaded.append)
        for kind in ("info", "items"):
            query = f"<query xmlns='http://jabber.org/protocol/disco#{kind}'/>"
            romeo.send(f"<iq type='get' id='x' to='nobody@localhost'>{query}</iq>")
        self.assertEqual(loaded, [])


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
                "FORM_TYPE": [SERVER_INFO],
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

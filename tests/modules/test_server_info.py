"""Server information (XEP-0485): who is named and who is not, when there is a new item, and how it ends."""

from typing import Final
from xml.etree.ElementTree import Element

from twisted.logger import LogLevel, capturedLogs

from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two, options
from xmppd.modules.pubsub.service import PubSubService
from xmppd.modules.server_info import ASKED, CONNECTIONS, HOUR_S
from xmppd.services.discovery.capabilities import Capabilities
from xmppd.services.discovery.disco import host_info
from xmppd.services.federation.federation import Federation
from xmppd.services.federation.outbound import Connected
from xmppd.services.pubsub.nodes import Nodes
from xmppd.services.pubsub.owning import Owning
from xmppd.stanza.jid import JID
from xmppd.testing.client import Client
from xmppd.testing.peers import PeerServer, network

EVERY_S: Final = 300.0
FEATURE: Final = "urn:xmpp:serverinfo:0"
NS_PUBSUB: Final = "http://jabber.org/protocol/pubsub"
PUBSUB: Final = f"pubsub.{CAPULET}"
SERVICE: Final = f'[components."{PUBSUB}"]\nmodule = "pubsub"\n'
ON: Final = "[modules.server_info]\nenabled = true\n"
BIDI: Final = "connection type=bidi"


class ServerInfoTests(Two):
    """Base: the module at capulet.example."""

    here, there = SERVICE + ON, ""

    def setUp(self) -> None:
        """Start them."""
        self.network = network()
        self.capulet = PeerServer(options(CAPULET, self.s2s) + self.here, self.network)
        self.montague = PeerServer(options(MONTAGUE, self.s2s) + self.there, self.network)
        self.juliet = self.capulet.logged_in(f"juliet@{CAPULET}/balcony")
        self.romeo = self.montague.logged_in(f"romeo@{MONTAGUE}/orchard")
        self.host = self.capulet.server.hosts[CAPULET]
        self.services = self.capulet.server.core.services

    def asked(self, client: Client, type: str, content: str, to: str = PUBSUB) -> str:
        """Have *client* ask, and give what is in the answer, as `shown`."""
        client.inbox.clear()
        client.send(f"<iq type='{type}' id='q' to='{to}'>{content}</iq>")
        self.settle()
        (answer,) = (each for each in client.inbox if each.tag.endswith("}iq"))
        return " ".join(map(shown, answer))

    def items(self) -> str:
        """Give the items, as anybody gets them."""
        content = f"<pubsub xmlns='{NS_PUBSUB}'><items node='serverinfo'/></pubsub>"
        return self.asked(self.juliet, "get", content)

    def forms(self) -> list[dict[str | None, list[str]]]:
        """Give the forms in disco#info of capulet.example."""
        return [
            {each.get("var"): [value.text for value in each.elements()] for each in form.elements()}
            for form in host_info(self.host).forms
        ]

    def connected(self, *connections: tuple[str, str]) -> None:
        """Let there be these connections with other domains, and no others."""
        found = [Connected(CAPULET, theirs, direction) for theirs, direction in connections]
        self.services[Federation].connections = lambda: found

    def next_look(self) -> None:
        """Let it be looked again."""
        self.capulet.pass_time(EVERY_S)


class DiscoTests(ServerInfoTests):
    """XEP-0485 3."""

    here = SERVICE + ON + '[modules.contact]\nabuse = ["mailto:a@b"]\n'

    def test_announced(self) -> None:
        """The feature, and the node; in one form with the contact addresses (9.2)."""
        self.assertIn(FEATURE, host_info(self.host).features)
        self.assertEqual(
            self.forms(),
            [
                {
                    "FORM_TYPE": ["http://jabber.org/network/serverinfo"],
                    "abuse-addresses": ["mailto:a@b"],
                    "serverinfo-pubsub-node": [f"xmpp:{PUBSUB}?;node=serverinfo"],
                }
            ],
        )

    def test_off_by_default(self) -> None:
        """Who has not turned it on, has not consented: no feature, no form, no question to anybody."""
        host = self.montague.server.hosts[MONTAGUE]
        self.assertNotIn("server_info", host.modules)
        self.assertNotIn(FEATURE, host_info(host).features)
        self.assertEqual(host_info(host).forms, [])


class NoServiceTests(ServerInfoTests):
    """Without a pubsub service."""

    here = ON

    def test_consent_alone(self) -> None:
        """The domain may be named by others; there is no form, and nothing is published: that is said once."""
        with capturedLogs() as logged:
            self.next_look()
            self.next_look()
        warned = [each["why"] for each in logged if each["log_level"] is LogLevel.warn]
        self.assertEqual(warned, ["no pubsub service of this server belongs to the domain"])
        self.assertIn(FEATURE, host_info(self.host).features)
        self.assertEqual(self.forms(), [])


class NamelessTests(ServerInfoTests):
    """XEP-0485 7: montague.example has not consented."""

    def test_minimal(self) -> None:
        """Without connections, its own name alone (4); on an open node of its own with one item (5)."""
        self.settle()
        self.assertEqual(self.items(), holding())
        shelf = self.services[Nodes].loaded(PUBSUB, "serverinfo")
        assert shelf is not None
        node = shelf.nodes["serverinfo"]
        self.assertEqual(node.record.creator, CAPULET)
        found = (node.options.access_model, node.options.max_items, node.options.type)
        self.assertEqual(found, ("open", 1, FEATURE))

    def test_no_name(self) -> None:
        """It is shown that there is a peer, and which way, but not who."""
        self.say("Good night")
        self.next_look()
        self.assertEqual(self.items(), holding(f"remote-domain[{BIDI}]"))

    def test_order(self) -> None:
        """Where they stand says nothing of their names; of one domain not more than so many connections are shown."""
        self.connected(("a.example", "outgoing"), *[("z.example", "incoming")] * (CONNECTIONS + 1))
        self.next_look()
        many = " ".join(["connection type=incoming"] * CONNECTIONS)
        outgoing = "remote-domain[connection type=outgoing]"
        self.assertEqual(self.items(), holding(f"remote-domain[{many}]", outgoing))


class OneWayTests(ServerInfoTests):
    """Without XEP-0288."""

    s2s = "bidirectional = false"

    def test_both_ways(self) -> None:
        """XEP-0485 4: each connection is there with its direction."""
        self.say("Good night")
        self.next_look()
        ways = "connection type=incoming connection type=outgoing"
        self.assertEqual(self.items(), holding(f"remote-domain[{ways}]"))


class NamedTests(ServerInfoTests):
    """XEP-0485 4: montague.example has consented."""

    there = ON

    def test_named(self) -> None:
        """Its name is there, of who asks and of who is asked."""
        self.say("Good night")
        self.next_look()
        self.assertEqual(self.items(), holding(f"remote-domain name={MONTAGUE}[{BIDI}]"))

    def test_consent_ends(self) -> None:
        """Who consents no more is not named any more, within an hour."""
        self.say("Good night")
        self.next_look()
        self.montague.server.loader.unload(self.montague.server.hosts[MONTAGUE], "server_info")
        self.connected((MONTAGUE, "bidi"))
        self.capulet.pass_time(HOUR_S)
        self.next_look()
        self.assertEqual(self.items(), holding(f"remote-domain[{BIDI}]"))

    def test_named_first(self) -> None:
        """By name, and the others behind."""
        self.connected((MONTAGUE, "incoming"), ("a.example", "bidi"))
        self.next_look()
        named = f"remote-domain name={MONTAGUE}[connection type=incoming]"
        self.assertEqual(self.items(), holding(named, f"remote-domain[{BIDI}]"))


class ChangesTests(ServerInfoTests):
    """XEP-0485 6: not often."""

    there = ON

    def events(self) -> int:
        """Count the notifications that have come to Juliet."""
        count = sum(each.tag.endswith("}message") for each in self.juliet.inbox)
        self.juliet.inbox.clear()
        return count

    def test_only_changes(self) -> None:
        """Who has subscribed hears of an item when something has changed, at the next look, and else of none."""
        self.settle()
        jid = f"juliet@{CAPULET}/balcony"
        subscribe = f"<pubsub xmlns='{NS_PUBSUB}'><subscribe node='serverinfo' jid='{jid}'/></pubsub>"
        self.asked(self.juliet, "set", subscribe)
        self.juliet.inbox.clear()
        self.next_look()
        self.assertEqual(self.events(), 0)
        self.connected((MONTAGUE, "bidi"))
        self.capulet.pass_time(1)
        self.assertEqual(self.events(), 0)
        self.next_look()
        self.assertEqual(self.events(), 1)
        self.capulet.pass_time(3 * EVERY_S)
        self.assertEqual(self.events(), 0)

    def test_deleted(self) -> None:
        """A node that an administrator has deleted is made anew."""
        self.settle()
        service = self.capulet.server.hosts[PUBSUB].modules["pubsub"]
        assert isinstance(service, PubSubService)
        who = JID(None, PUBSUB, None)
        self.successResultOf(self.services[Owning].delete(service.of_operators, who, "serverinfo"))
        self.assertIn("item-not-found", self.items())
        self.next_look()
        self.assertEqual(self.items(), holding())

    def test_asked_in_turn(self) -> None:
        """So many domains are asked each time, each once an hour."""
        self.settle()
        asked: list[str] = []

        async def domain_has(feature: str, domain: str, asker: str) -> bool:
            asked.append(domain)
            return True

        self.patch(self.services[Capabilities], "domain_has", domain_has)
        self.connected(*((f"{number}.example", "bidi") for number in range(ASKED + 1)))
        self.next_look()
        self.assertEqual(len(asked), ASKED)
        self.next_look()
        self.next_look()
        self.assertEqual(len(asked), ASKED + 1)
        self.assertEqual(self.items().count("name="), 1 + ASKED + 1)

    def test_size(self) -> None:
        """What other servers can make it grow to is what a payload may have."""
        limit = self.host.settings.limits.pubsub_payload_bytes
        self.connected(*((f"{number}.example", "bidi") for number in range(limit // 50)))
        self.next_look()
        self.assertIn(self.items().count("remote-domain"), range(limit // 60, limit // 55))


class EndTests(ServerInfoTests):
    """The module goes, or cannot have the node."""

    def test_unloaded(self) -> None:
        """The item goes with it, and comes back with it."""
        self.settle()
        loader = self.capulet.server.loader
        loader.unload(self.host, "server_info")
        self.assertEqual(self.items(), "pubsub[items node=serverinfo]")
        self.assertNotIn(FEATURE, host_info(self.host).features)
        self.next_look()
        self.assertEqual(self.items(), "pubsub[items node=serverinfo]")
        loader.load(self.host, "server_info")
        self.settle()
        self.assertEqual(self.items(), holding())


class TakenTests(ServerInfoTests):
    """Somebody has made the node before."""

    here = SERVICE

    def test_left_alone(self) -> None:
        """It is left as it is, since what a user says must not look as if the server had said it, nor be lost."""
        create = f"<pubsub xmlns='{NS_PUBSUB}'><create node='serverinfo'/></pubsub>"
        self.asked(self.juliet, "set", create)
        item = "<item id='current'><a xmlns='b'/></item>"
        content = f"<pubsub xmlns='{NS_PUBSUB}'><publish node='serverinfo'>{item}</publish></pubsub>"
        self.asked(self.juliet, "set", content)
        self.capulet.server.loader.load(self.host, "server_info")
        self.settle()
        kept = "pubsub[items node=serverinfo[item id=current[a]]]"
        self.assertEqual(self.items(), kept)
        self.capulet.server.loader.unload(self.host, "server_info")
        self.assertEqual(self.items(), kept)


def holding(*peers: str) -> str:
    """Give what is answered where there is one item, with these peers."""
    federation = f"[federation[{' '.join(peers)}]]" if peers else ""
    return f"pubsub[items node=serverinfo[item id=current[serverinfo[domain name={CAPULET}{federation}]]]]"


def shown(element: Element) -> str:
    """Write an element without namespaces: ``name attribute=value[children]``."""
    head = " ".join([element.tag.rpartition("}")[2], *(f"{key}={value}" for key, value in element.items())])
    return f"{head}[{' '.join(map(shown, element))}]" if len(element) else head

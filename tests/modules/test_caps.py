"""The server's own capabilities (XEP-0115)."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.modules.caps import NODE, CapsOptions
from xmppd.stream.features import StreamKind, offered
from xmppd.testing.server import MemoryServer

NS = "http://jabber.org/protocol/caps"


class NodeTests(SynchronousTestCase):
    """The name of the program."""

    def announced(self, options: str) -> str:
        """Give the node of the stream features after disco#info of it was found."""
        memory = MemoryServer(options)
        client = memory.logged_in("romeo@localhost/orchard")
        session = memory.server.registry.get("romeo@localhost/orchard")
        assert session is not None and session.stream is not None
        features = memory.server.hosts["localhost"].stream_features
        [offer] = offered(
            tuple(feature for feature in features if feature.name == "caps"),
            StreamKind.C2S,
            session.stream.state,
            session.stream,
        )
        node = offer.get("node") or ""
        client.send(
            f"<iq type='get' id='1' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info' "
            f"node='{node}#{offer.get('ver')}'/></iq>"
        )
        self.assertEqual(client.inbox.popleft().get("type"), "result")
        return node

    def test_nobody_s_address(self) -> None:
        """Section 4.2: a URI that names the program; no address on the Web that is a mere example, or another's."""
        self.assertEqual(self.announced(""), NODE)
        self.assertFalse(NODE.startswith("http"))

    def test_configured(self) -> None:
        """Who gives this server to its users may name it, and disco answers for that name; "#" separates the hash."""
        node = "https://chat.example.org/server"
        self.assertEqual(self.announced(f'[modules.caps]\nnode = "{node}"'), node)
        for wrong in ("", "a#b"):
            self.assertRaises(ValueError, CapsOptions, node=wrong)

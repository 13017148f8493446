"""A session goes on by another carrier: XEP-0198 5 over RFC 7395 and XEP-0206."""

from base64 import b64encode
from re import search

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.net.http.bosh import RESTART
from tests.net.http.bosh import Client as BOSHClient
from xmppd.testing.client import PASSWORD, Client
from xmppd.testing.server import MemoryServer, now
from xmppd.testing.web import MemoryWeb
from xmppd.testing.websocket import WebSocketClient

SM = "urn:xmpp:sm:3"
AUTH = (
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"
    f"{b64encode(f'{chr(0)}romeo{chr(0)}{PASSWORD}'.encode()).decode()}</auth>"
)
ENABLE = f"<enable xmlns='{SM}' resume='true'/>"
BIND = "<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"


def resume(previous: str, received: int) -> str:
    """Ask to go on with a session, having received so much."""
    return f"<resume xmlns='{SM}' previd='{previous}' h='{received}'/>"


class ResumptionTests(SynchronousTestCase):
    """One session, several carriers."""

    def setUp(self) -> None:
        """Two accounts; juliet writes to romeo all the while."""
        self.memory = MemoryServer()
        self.web = MemoryWeb(self.memory)
        self.juliet = self.memory.logged_in("juliet@localhost/balcony")

    def write(self, text: str, to: str) -> None:
        """Have juliet write."""
        self.juliet.send(f"<message to='{to}' type='chat'><body>{text}</body></message>")
        self.memory.settle()

    def over_tcp(self) -> tuple[Client, str, str]:
        """A session over TCP: the client, its address, and what it is resumed by."""
        romeo = self.memory.logged_in("romeo@localhost/orchard")
        romeo.send("<presence/>")
        romeo.send(ENABLE)
        self.memory.settle()
        enabled = next(each for each in romeo.inbox if each.tag == f"{{{SM}}}enabled")
        romeo.inbox.clear()
        return romeo, "romeo@localhost/orchard", enabled.get("id", "")

    def websocket(self) -> WebSocketClient:
        """A WebSocket whose client is authenticated, and no more."""
        client = WebSocketClient(self.web)
        client.open()
        client.send(AUTH)
        client.open()
        return client

    def test_from_tcp_to_websocket_and_back(self) -> None:
        """What was written meanwhile arrives, once and in order, on whichever carrier is there."""
        romeo, address, id_ = self.over_tcp()
        self.write("one", address)
        assert romeo.carrier is not None
        romeo.carrier.lose()
        self.write("two", address)
        client = self.websocket()
        came = client.send(resume(id_, 0))
        self.assertTrue(came[0].startswith(f"<resumed xmlns='{SM}'"), came)
        self.write("three", address)
        came += client.read()
        bodies = [found[1] for text in came if (found := search("<body>(.*?)</body>", text))]
        self.assertEqual(bodies, ["one", "two", "three"])
        self.assertTrue(
            all(text.startswith("<message xmlns='jabber:client'") for text in came if "<body>" in text)
        )
        client.send(
            "<message xmlns='jabber:client' to='juliet@localhost/balcony'><body>from the web</body></message>"
        )
        self.memory.settle()
        self.assertEqual(self.juliet.inbox[-1][0].text, "from the web")
        client.transport.end()
        self.write("four", address)
        again = self.memory.client("romeo@localhost/orchard")
        self.authenticate(again)
        again.send(resume(id_, 3))
        self.memory.settle()
        bodies = [each[0].text for each in again.inbox if each.tag.endswith("message")]
        self.assertEqual(bodies, ["four"])

    def authenticate(self, client: Client) -> None:
        """Log in over TCP, up to where a session could be resumed."""
        now(Deferred.fromCoroutine(client.authenticate()))
        client.inbox.clear()

    def test_while_the_older_one_is_there(self) -> None:
        """It hears that it was replaced, by whichever carrier it is there."""
        _, address, id_ = self.over_tcp()
        first = self.websocket()
        self.assertIn("<resumed ", first.send(resume(id_, 0))[0])
        second = self.websocket()
        self.assertIn("<resumed ", second.send(resume(id_, 0))[0])
        came = first.read()
        self.assertIn("<conflict ", came[0])
        self.assertEqual(first.close_code, 1000)
        self.write("one", address)
        self.assertIn("one", second.read()[-1])

    def test_from_websocket_to_bosh(self) -> None:
        """There, too."""
        self.memory.add_account("romeo@localhost")
        client = self.websocket()
        (bound,) = client.send(BIND)
        found = search("<jid>(.*?)</jid>", bound)
        assert found is not None
        address = found[1]
        (enabled,) = client.send(ENABLE)
        id_ = search(" id='([^']*)'", enabled)
        assert id_ is not None
        client.transport.end()
        self.write("one", address)
        bosh = BOSHClient(self.web)
        bosh.begin()
        bosh.ask(AUTH)
        bosh.ask("", RESTART)
        answer = bosh.ask(resume(id_[1], 0))
        self.assertEqual([child.tag for child in answer][:2], [f"{{{SM}}}resumed", "{jabber:client}message"])

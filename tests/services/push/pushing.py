"""A user whose phone has asked for push notifications, and the service that gets them."""

from collections.abc import Sequence
from xml.etree.ElementTree import Element as Tree

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.push.push import STORE, Push
from xmppd.services.push.registrations import Registration
from xmppd.stanza.jid import JID
from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer, now

ROMEO = JID.parse("romeo@localhost")
SERVICE = "push@localhost/app"
COUNT = ".//{jabber:x:data}field[@var='message-count']/{jabber:x:data}value"
ENABLE_SM = "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"


def enable(client: Client, jid: str = SERVICE, node: str = "n1") -> str:
    """Enable a push service; give the type of the answer."""
    client.inbox.clear()
    client.send(f"<iq type='set' id='e'><enable xmlns='urn:xmpp:push:0' jid='{jid}' node='{node}'/></iq>")
    return client.inbox.pop().get("type") or ""


def lose(*clients: Client) -> None:
    """Break connections."""
    for client in clients:
        assert client.carrier is not None
        client.carrier.lose()


class PushCase(SynchronousTestCase):
    """Romeo has a phone, Juliet writes to him."""

    options = ""

    def setUp(self) -> None:
        """The push service is a client."""
        self.memory = MemoryServer("[modules.mam]\nenabled = false\n" + self.options)
        self.push: Push = self.memory.server.services[Push]
        self.phone = self.memory.logged_in("romeo@localhost/phone")
        self.juliet = self.memory.logged_in("juliet@localhost/balcony")
        self.service = self.memory.logged_in(SERVICE)

    def write(self, to: str = "romeo@localhost") -> None:
        """Send a message to Romeo."""
        self.juliet.send(f"<message to='{to}' type='chat' id='m'><body>hi</body></message>")

    def told(self) -> list[Tree]:
        """Take what the push service was sent, and accept it."""
        requests = list(self.service.inbox)
        self.service.inbox.clear()
        for request in requests:
            self.service.send(f"<iq type='result' to='localhost' id='{request.get('id')}'/>")
        return requests

    def nodes(self) -> list[str]:
        """Take the nodes that were published to."""
        found = []
        for request in self.told():
            publish = request.find(".//{http://jabber.org/protocol/pubsub}publish")
            assert publish is not None
            found.append(publish.get("node") or "")
        return found

    @property
    def enabled(self) -> Sequence[Registration]:
        """What Romeo has enabled."""
        found: Sequence[Registration] = now(self.push.registrations(ROMEO))
        return found

    @property
    def stored(self) -> int:
        """How many registrations are stored for Romeo."""
        return len(now(self.memory.storage.get_all(STORE, ROMEO.bare)))

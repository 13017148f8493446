"""A client that is connected to a server in memory, step by step, and the session that the server has made for it."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.session import Session
from xmppd.stanza.element import Element
from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer

HEADER = "<stream:stream to='{}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
AUTH = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AEFsaWNlAG9wZW4gc2VzYW1l</auth>"
"""Alice, with a capital letter, and the password of the tests."""
BIND = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>{}</bind></iq>"


class SessionCase(SynchronousTestCase):
    """A server in memory with the account alice@localhost, and a client that is connected to it."""

    def setUp(self) -> None:
        """Connect; the session is the one that the server made for the connection."""
        self.memory = MemoryServer()
        self.client = self.memory.client("alice@localhost/desk")
        self.session = self.session_of(self.client)

    def session_of(self, client: Client) -> Session:
        """Give the server's session of a client that has just connected."""
        return list(self.memory.factory.connections)[-1].session

    def say(self, *texts: str) -> list[Element]:
        """Let the client send; what the server answers is thrown away."""
        for text in texts:
            self.client.send(text)
        self.client.inbox.clear()
        return []

    def authenticate(self) -> None:
        """Header, TLS, header, SASL, header."""
        self.say(HEADER.format("localhost"), STARTTLS)
        self.client.expect_header()
        self.say(HEADER.format("localhost"), AUTH)
        self.client.expect_header()
        self.say(HEADER.format("localhost"))

    def bind(self, resource: str = "desk") -> None:
        """Authenticate and bind."""
        self.authenticate()
        self.say(BIND.format(f"<resource>{resource}</resource>"))

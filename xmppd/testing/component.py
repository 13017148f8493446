"""A component of the dialogues: a program that connects as a service of the server under test (XEP-0114)."""

from hashlib import sha1
from xml.etree.ElementTree import Element

from xmppd.testing.client import PASSWORD, Client

NS_COMPONENT = "jabber:component:accept"
PING = "{urn:xmpp:ping}ping"
SECRET = PASSWORD
"""What a component of the tests shows."""


class ComponentClient(Client):
    """One component: its domain, a carrier, and what has come and was not looked at yet.

    The server's own pings are answered, as every library does, and not shown.
    """

    content_ns = NS_COMPONENT
    answers_pings = True

    def __init__(self, name: str, domain: str, secret: str = SECRET):
        super().__init__(name, domain)
        self.host = domain
        self._secret = secret

    def _came(self, element: Element) -> None:
        if self.answers_pings and element.find(PING) is not None and "@" not in element.get("from", "@"):
            self.send(
                f"<iq from='{element.get('to')}' to='{element.get('from')}' id='{element.get('id')}' type='result'/>"
            )
        else:
            super()._came(element)

    def send_header(self) -> None:
        """Send a header and expect one."""
        self.expect_header()
        self.send(
            f"<stream:stream to='{self.host}' xmlns='{NS_COMPONENT}' xmlns:stream='http://etherx.jabber.org/streams'>"
        )

    async def log_in(self) -> None:
        """Header and handshake, both ways."""
        self.send_header()
        header = await self.header()
        self.send_handshake(header.get("id") or "")
        await self._get(f"{{{NS_COMPONENT}}}handshake")

    def send_handshake(self, stream_id: str) -> None:
        """Show the secret on the stream with this id."""
        shown = sha1(f"{stream_id}{self._secret}".encode()).hexdigest()
        self.send(f"<handshake>{shown}</handshake>")

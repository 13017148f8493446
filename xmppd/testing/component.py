"""A component of the dialogues: a program that connects as a service of the server under test (XEP-0114)."""

from hashlib import sha1

from xmppd.testing.client import PASSWORD, Client

NS_COMPONENT = "jabber:component:accept"
SECRET = PASSWORD
"""What a component of the tests shows."""


class ComponentClient(Client):
    """One component: its domain, a carrier, and what has come and was not looked at yet."""

    content_ns = NS_COMPONENT

    def __init__(self, name: str, domain: str, secret: str = SECRET):
        super().__init__(name, domain)
        self.host = domain
        self._secret = secret

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

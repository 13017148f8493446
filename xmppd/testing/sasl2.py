"""Logins by SASL2, Bind 2 and FAST of a scripted client, against a server in memory."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred

from xmppd.testing.client import PASSWORD, Client
from xmppd.testing.server import FakeTLS, MemoryServer, now

SASL2 = "{urn:xmpp:sasl:2}"
BIND2 = "{urn:xmpp:bind:0}"
FAST = "{urn:xmpp:fast:0}"
PHONE = "d4565fa7-4d72-4749-b3d3-740edbf87770"
LAPTOP = "11565fa7-4d72-4749-b3d3-740edbf87770"
BIND = "<bind xmlns='urn:xmpp:bind:0'><tag>Phone</tag></bind>"
BINDINGS = {"tls-exporter": bytes(range(32)), "tls-server-end-point": b"\xaa" * 32}


class BoundTLS(FakeTLS):
    """TLS without TLS that has something to bind to."""

    def __init__(self, bindings: Mapping[str, bytes] = BINDINGS):
        self.bindings = bindings

    def channel_bindings(self, transport: object) -> Mapping[str, bytes]:
        """Give what the test knows, too."""
        return self.bindings


class SASL2Login:
    """The login of one scripted client, whose connection is under TLS already."""

    def __init__(self, server: MemoryServer, address: str = "romeo@localhost/x"):
        self.client: Client = server.client(address)
        self.features: Element = now(Deferred.fromCoroutine(self.client.secure()))

    def send(self, text: str) -> list[Element]:
        """Send *text* and give what has come."""
        self.client.send(text)
        return self.inbox()

    def inbox(self) -> list[Element]:
        """Give what has come, and forget it."""
        came = [*self.client.inbox]
        self.client.inbox.clear()
        return came

    def authenticate(
        self, mechanism: str, initial: bytes, inner: str = "", agent: str = PHONE
    ) -> list[Element]:
        """Begin a login, and give what has come."""
        told = f"<user-agent id='{agent}'><software>Awesome</software></user-agent>" if agent else ""
        data = f"<initial-response>{b64encode(initial).decode()}</initial-response>"
        return self.send(
            f"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='{mechanism}'>{data}{told}{inner}</authenticate>"
        )

    def by_password(self, inner: str = "", agent: str = PHONE, password: str = PASSWORD) -> list[Element]:
        """Log in by PLAIN."""
        return self.authenticate("PLAIN", f"\0{self.client.username}\0{password}".encode(), inner, agent)

    def by_token(
        self,
        token: str,
        inner: str = "",
        agent: str = PHONE,
        mechanism: str = "HT-SHA-256-NONE",
        binding: bytes = b"",
        fast: str = "<fast xmlns='urn:xmpp:fast:0'/>",
    ) -> list[Element]:
        """Log in by a token."""
        algorithm = "sha512" if "512" in mechanism else "sha256"
        proof = hmac.digest(token.encode(), b"Initiator" + binding, algorithm)
        initial = self.client.username.encode() + b"\0" + proof
        return self.authenticate(mechanism, initial, fast + inner, agent)

    def respond(self, data: bytes) -> list[Element]:
        """Go on with the login."""
        return self.send(f"<response xmlns='urn:xmpp:sasl:2'>{b64encode(data).decode()}</response>")


def request(mechanism: str = "HT-SHA-256-NONE") -> str:
    """Ask for a token."""
    return f"<request-token xmlns='urn:xmpp:fast:0' mechanism='{mechanism}'/>"


def token_of(came: list[Element]) -> str:
    """Give the token in a success; "" where there is none."""
    token = came[0].find(f"{FAST}token")
    return "" if token is None else token.get("token", "")


def data_of(element: Element) -> bytes:
    """Give what a challenge holds, or a success beside its identity."""
    found = element.find(f"{SASL2}additional-data")
    return b64decode((found if found is not None else element).text or "")


def identity_of(came: list[Element]) -> str:
    """Give who a success says it is."""
    assert came[0].tag == f"{SASL2}success", came[0].tag
    return came[0].findtext(f"{SASL2}authorization-identifier", "")


def condition_of(came: list[Element]) -> str:
    """Give why a login has failed."""
    assert came[0].tag == f"{SASL2}failure", came[0].tag
    return came[0][0].tag.partition("}")[2]

"""A SCRAM client (RFC 5802) for tests, written for itself: it shares no code with the server's side."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable

from xmppd.stanza.jid import JID
from xmppd.stream.sasl.credentials import Credentials
from xmppd.stream.sasl.realm import Realm
from xmppd.stream.sasl.steps import Challenge, Mechanism, NeedKeys, Success

HOST = "localhost"


def prepare(text: str) -> str:
    """As a server prepares JIDs."""
    return JID.parse(text).full


REALM = Realm(HOST, prepare)


class ScramClient:
    """One login. *flag* is the GS2 flag where no channel binding is used, *extra* goes into client-final.

    *salted* keeps salted passwords by (salt, iterations), for many logins with the same password and hash.
    """

    def __init__(
        self,
        mechanism: str,
        username: str,
        password: str,
        cb_type: str | None = None,
        cb_data: bytes = b"",
        *,
        nonce: str | None = None,
        flag: str = "n",
        authzid: str | None = None,
        extra: str = "",
        salted: dict[tuple[bytes, int], bytes] | None = None,
    ) -> None:
        self.algorithm = mechanism.removeprefix("SCRAM-").removesuffix("-PLUS").replace("-", "").lower()
        self.password = password.encode()
        self.nonce = nonce or secrets.token_urlsafe(18)
        self.header = ",".join(
            [f"p={cb_type}" if cb_type else flag, f"a={escaped(authzid)}" if authzid else "", ""]
        )
        self.cb_data = cb_data
        self.bare = f"n={escaped(username)},r={self.nonce}"
        self.extra = extra
        self.salted = {} if salted is None else salted
        self.server_signature = b""
        self.server_hash: str | None = None
        """XEP-0474's h, if the challenge had one."""

    def first(self) -> bytes:
        """The client-first-message."""
        return (self.header + self.bare).encode()

    def final(self, challenge: bytes) -> bytes:
        """The client-final-message for a server-first-message; AssertionError if that is wrong."""
        server_first = challenge.decode()
        attributes = dict(part.split("=", 1) for part in server_first.split(","))
        assert [*attributes][:3] == ["r", "s", "i"], server_first
        assert attributes["r"].startswith(self.nonce) and attributes["r"] != self.nonce, server_first
        self.server_hash = attributes.get("h")
        binding = base64.b64encode(self.header.encode() + self.cb_data).decode()
        unproven = f"c={binding},r={attributes['r']}{self.extra}"
        message = f"{self.bare},{server_first},{unproven}".encode()
        salted = self._salted(base64.b64decode(attributes["s"], validate=True), int(attributes["i"]))
        client_key = hmac.digest(salted, b"Client Key", self.algorithm)
        stored_key = hashlib.new(self.algorithm, client_key).digest()
        signature = hmac.digest(stored_key, message, self.algorithm)
        self.server_signature = hmac.digest(
            hmac.digest(salted, b"Server Key", self.algorithm), message, self.algorithm
        )
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        return f"{unproven},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, server_final: bytes) -> bool:
        """Whether the server knows the keys."""
        return server_final == b"v=" + base64.b64encode(self.server_signature)

    def _salted(self, salt: bytes, iterations: int) -> bytes:
        if (salt, iterations) not in self.salted:
            self.salted[salt, iterations] = hashlib.pbkdf2_hmac(
                self.algorithm, self.password, salt, iterations
            )
        return self.salted[salt, iterations]


def escaped(name: str) -> str:
    """RFC 5802 5.1: a saslname."""
    return name.replace("=", "=3D").replace(",", "=2C")


def challenge_from(mechanism: Mechanism, first: bytes, credentials: Credentials | None) -> bytes:
    """The server-first-message for a client-first-message, with a user's credentials or with none."""
    step = mechanism.start(first)
    assert isinstance(step, NeedKeys), step
    step = mechanism.keys(None if credentials is None else credentials.get(step.hash_name))
    assert isinstance(step, Challenge), step
    return step.data


def log_in(
    mechanism: Mechanism,
    client: ScramClient,
    credentials: Credentials | None,
    change: Callable[[bytes], bytes] = lambda final: final,
) -> Success:
    """A whole exchange, in which the client-final-message is changed on its way; raises SaslError."""
    step = mechanism.respond(change(client.final(challenge_from(mechanism, client.first(), credentials))))
    assert isinstance(step, Success), step
    return step

"""HT, the Hashed Token mechanisms (draft-schmaus-kitten-sasl-ht-09), by which FAST logs in (XEP-0484 0.2.0).

Covered: SHA-256 and SHA-512, with channel binding (ENDP, EXPR) and without (NONE); not UNIQ, which TLS 1.3 lacks.
One message each way::

    client: authcid NUL HMAC(token, "Initiator" || cb-data)
    server: HMAC(token, "Responder" || cb-data)

A client has at most a few tokens that hold; which of them it means is found by trying all. An unknown user and one
without tokens look and cost the same as one with a wrong token.
"""

import hmac
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from xmppd.stream.sasl.exchange import Awaits, malformed
from xmppd.stream.sasl.realm import Realm
from xmppd.stream.sasl.steps import MESSAGE_BYTES, Challenge, NeedTokens, SaslError, Step, Success

AUTHCID_BYTES: Final = 1023
_NO_TOKEN: Final = b"no token"


@dataclass(frozen=True, slots=True)
class _Row:
    algorithm: str
    binding: str | None


HT_MECHANISMS: Final = MappingProxyType(
    {
        "HT-SHA-512-EXPR": _Row("sha512", "tls-exporter"),
        "HT-SHA-512-ENDP": _Row("sha512", "tls-server-end-point"),
        "HT-SHA-256-EXPR": _Row("sha256", "tls-exporter"),
        "HT-SHA-256-ENDP": _Row("sha256", "tls-server-end-point"),
        "HT-SHA-512-NONE": _Row("sha512", None),
        "HT-SHA-256-NONE": _Row("sha256", None),
    }
)
"""The strongest first: hash and channel binding by the name of the mechanism."""


def ht_offer(bindings: Container[str]) -> list[str]:
    """Give the names of the mechanisms for a connection with these types of channel binding, the strongest first."""
    return [name for name, row in HT_MECHANISMS.items() if row.binding is None or row.binding in bindings]


class HashedToken:
    """One exchange: message, NeedTokens, Success; `used` then tells which of the tokens it was."""

    __slots__ = ("_awaits", "_binding_data", "_proof", "_realm", "_row", "_username", "name", "used")

    def __init__(self, name: str, realm: Realm, bindings: Mapping[str, bytes]) -> None:
        """*bindings*: the channel-binding data of this connection; SaslError invalid-mechanism if *name* lacks its."""
        row = HT_MECHANISMS.get(name)
        if row is None or (row.binding is not None and row.binding not in bindings):
            raise SaslError("invalid-mechanism")
        self.name = name
        self.used = -1
        self._row = row
        self._realm = realm
        self._binding_data = b"" if row.binding is None else bindings[row.binding]
        self._awaits = Awaits.MESSAGE
        self._proof = b""
        self._username = ""

    def start(self, initial: bytes | None) -> Step:
        """Read the initial response, or ask for it by an empty challenge."""
        return Challenge(b"") if initial is None else self.respond(initial)

    def respond(self, data: bytes) -> Step:
        """Read the initiator's message (3.1)."""
        if self._awaits is not Awaits.MESSAGE:
            malformed("not expected")
        self._awaits = Awaits.NOTHING
        authcid, nul, proof = data.partition(b"\0")
        if not (authcid and nul and proof) or len(authcid) > AUTHCID_BYTES or len(data) > MESSAGE_BYTES:
            malformed("not authcid NUL hashed-token")
        try:
            self._username = self._realm.username(authcid.decode())
        except UnicodeDecodeError:
            malformed("not UTF-8")
        self._proof = proof
        self._awaits = Awaits.KEYS
        return NeedTokens(self._username)

    def tokens(self, tokens: Sequence[str]) -> Success:
        """Go on after NeedTokens with the tokens of the client; SaslError not-authorized if it has proved none."""
        if self._awaits is not Awaits.KEYS:
            raise RuntimeError(f"{self.name} has not asked for tokens")
        self._awaits = Awaits.NOTHING
        for index, token in enumerate(tokens):
            if hmac.compare_digest(self._hashed(token.encode(), b"Initiator"), self._proof):
                self.used = index
        if self.used < 0:
            if not tokens:
                hmac.compare_digest(self._hashed(_NO_TOKEN, b"Initiator"), self._proof)
            raise SaslError("not-authorized")
        return Success(self._username, self._hashed(tokens[self.used].encode(), b"Responder"))

    def _hashed(self, token: bytes, side: bytes) -> bytes:
        return hmac.digest(token, side + self._binding_data, self._row.algorithm)

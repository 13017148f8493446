"""SCRAM and SCRAM-PLUS (RFC 5802, RFC 7677) for SHA-1, SHA-256 and SHA-512, with XEP-0474 0.5.0's hash.

Rules that live here:

- messages are read to the letter of RFC 5802 7; a mandatory extension (m=) fails, others are ignored;
- c= must be the GS2 header and the channel-binding data of this very connection (RFC 5802 6);
- a client that says we lack channel binding (y) while we offer it has been lied to, and fails (RFC 5802 6);
- an unknown user, a missing hash and a wrong password look and cost the same up to the end;
- after any failure the exchange is over, so a server nonce is good for one proof.

The texts of the errors are RFC 5802 7's server-error-values, but for those that would tell about a user.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from xmppd.stream.sasl import base64
from xmppd.stream.sasl.credentials import ALGORITHMS, ITERATIONS, ScramKeys, fake_keys
from xmppd.stream.sasl.exchange import Awaits, Exchange, malformed
from xmppd.stream.sasl.realm import Realm
from xmppd.stream.sasl.steps import BindingError, Challenge, NeedKeys, SaslError, Step, Success

_NAME = r"(?:[^\0,=]|=2C|=3D)+"
_PRINTABLE = r"[!-+\--~]+"
_BASE64 = r"[A-Za-z0-9+/=]+"
_EXTENSIONS = r"(?P<extensions>(?:,[A-Za-z]=[^\0,]+)*)"
_CLIENT_FIRST: Final = re.compile(
    rf"(?P<gs2_header>(?P<flag>n|y|p=(?P<binding>[A-Za-z0-9.-]+)),(?:a=(?P<authzid>{_NAME}))?,)"
    rf"(?P<bare>(?P<mandatory>m=[^\0,]+,)?n=(?P<username>{_NAME}),r=(?P<nonce>{_PRINTABLE}){_EXTENSIONS})"
)
_CLIENT_FINAL: Final = re.compile(
    rf"(?P<unproven>c=(?P<binding>{_BASE64}),r=(?P<nonce>{_PRINTABLE}){_EXTENSIONS}),p=(?P<proof>{_BASE64})"
)
"""RFC 5802 7."""

_KNOWN_ATTRIBUTES: Final = frozenset("aceimnprsv")
"""RFC 5802 5.1: these have their own places, so they are no extensions."""


@dataclass(frozen=True, slots=True)
class ChannelBinding:
    """The data of the connection by type; whether this mechanism uses it, whether we offer any that does."""

    data: Mapping[str, bytes]
    is_used: bool
    is_offered: bool

    def expected(self, flag: str, binding: str | None) -> bytes:
        """The data that c= must hold for a GS2 flag (RFC 5802 6), or SaslError."""
        if (binding is not None) != self.is_used:
            malformed("channel-binding-not-supported" if binding else "channel binding is missing")
        if flag == "y" and self.is_offered:
            raise BindingError("server-does-support-channel-binding")
        if binding is None:
            return b""
        if binding not in self.data:
            raise BindingError("unsupported-channel-binding-type")
        return self.data[binding]


NO_BINDING: Final = ChannelBinding({}, is_used=False, is_offered=False)


@dataclass(frozen=True, slots=True)
class Decoys:
    """What the keys of users who are not there are computed from; see `fake_keys`."""

    secret: bytes = field(repr=False)
    iterations: int = ITERATIONS


class Scram(Exchange):
    """One SCRAM exchange: client-first, NeedKeys, challenge, client-final, Success with the signature.

    *nonce* gives a fresh printable text without comma. *downgrade* is the text of `downgrade_text`: a hash
    of it then goes with the challenge.
    """

    __slots__ = (
        "_auth_message",
        "_binding",
        "_decoys",
        "_downgrade",
        "_expected_binding",
        "_hash_name",
        "_is_known",
        "_keys",
        "_new_nonce",
        "_nonce",
        "_realm",
        "_username",
    )

    def __init__(
        self,
        hash_name: str,
        realm: Realm,
        decoys: Decoys,
        *,
        nonce: Callable[[], str],
        binding: ChannelBinding = NO_BINDING,
        downgrade: str | None = None,
    ) -> None:
        super().__init__(f"SCRAM-{hash_name}-PLUS" if binding.is_used else f"SCRAM-{hash_name}")
        self._hash_name = hash_name
        self._realm = realm
        self._decoys = decoys
        self._new_nonce = nonce
        self._binding = binding
        self._downgrade = downgrade
        self._nonce = self._username = self._auth_message = self._expected_binding = ""
        self._keys: ScramKeys | None = None
        self._is_known = False

    def keys(self, keys: ScramKeys | None) -> Step:
        """The server-first-message; with decoys if there are no keys."""
        self._take(Awaits.KEYS)
        self._is_known = keys is not None
        self._keys = keys or fake_keys(
            self._decoys.secret, self._realm.host, self._username, self._hash_name, self._decoys.iterations
        )
        server_first = f"r={self._nonce},s={base64.encode(self._keys.salt)},i={self._keys.iterations}"
        if self._downgrade is not None:
            digest = hashlib.new(self._algorithm, self._downgrade.encode()).digest()
            server_first += f",h={base64.encode(digest)}"
        self._auth_message += f",{server_first}"
        self._awaits = Awaits.MESSAGE
        return Challenge(server_first.encode())

    @property
    def _algorithm(self) -> str:
        return ALGORITHMS[self._hash_name]

    def _read(self, text: str) -> Step:
        return self._read_first(text) if self._keys is None else self._read_final(text, self._keys)

    def _read_first(self, text: str) -> Step:
        """RFC 5802 5, the client-first-message."""
        found = _CLIENT_FIRST.fullmatch(text)
        if found is None:
            malformed("not a client-first-message")
        if found["mandatory"]:
            malformed("extensions-not-supported")
        _check_extensions(found["extensions"])
        binding_data = self._binding.expected(found["flag"], found["binding"])
        self._username = self._realm.username(_unescaped(found["username"]))
        authzid = found["authzid"]
        self._realm.check_authzid(authzid and _unescaped(authzid), self._username)
        self._expected_binding = base64.encode(found["gs2_header"].encode() + binding_data)
        self._nonce = found["nonce"] + self._new_nonce()
        self._auth_message = found["bare"]
        self._awaits = Awaits.KEYS
        return NeedKeys(self._username, self._hash_name)

    def _read_final(self, text: str, keys: ScramKeys) -> Step:
        """RFC 5802 5, the client-final-message."""
        found = _CLIENT_FINAL.fullmatch(text)
        if found is None:
            malformed("not a client-final-message")
        _check_extensions(found["extensions"])
        try:
            proof = base64.decode(found["proof"])
        except ValueError:
            malformed("invalid-encoding")
        if not hmac.compare_digest(found["binding"], self._expected_binding):
            raise SaslError("not-authorized", "channel-bindings-dont-match")
        if not hmac.compare_digest(found["nonce"], self._nonce):
            raise SaslError("not-authorized", "other-error")
        signature = self._verified(f"{self._auth_message},{found['unproven']}".encode(), proof, keys)
        return Success(self._username, b"v=" + base64.encode(signature).encode())

    def _verified(self, auth_message: bytes, proof: bytes, keys: ScramKeys) -> bytes:
        """The server's signature if the proof is right (RFC 5802 3); the same work if it is not."""
        client_signature = hmac.digest(keys.stored_key, auth_message, self._algorithm)
        server_signature = hmac.digest(keys.server_key, auth_message, self._algorithm)
        client_key = bytes(a ^ b for a, b in zip(proof, client_signature, strict=False))
        stored_key = hashlib.new(self._algorithm, client_key).digest()
        is_right = hmac.compare_digest(stored_key, keys.stored_key) & (len(proof) == len(client_signature))
        if not (is_right & self._is_known):
            raise SaslError("not-authorized")
        return server_signature


def downgrade_text(mechanisms: Iterable[str], channel_bindings: Iterable[str] | None) -> str:
    """What XEP-0474 hashes: the mechanisms and channel-binding types announced.

    Give None for the latter if they are not announced (XEP-0440), and only the mechanisms of the
    SASL profile in use. All are ASCII, so the order of code points is i;octet.
    """
    text = "\x1e".join(sorted(mechanisms))
    return text if channel_bindings is None else text + "\x1f" + "\x1e".join(sorted(channel_bindings))


def _unescaped(saslname: str) -> str:
    """RFC 5802 5.1; other uses of "=" were refused when the message was read."""
    return saslname.replace("=2C", ",").replace("=3D", "=")


def _check_extensions(extensions: str) -> None:
    """RFC 5802 5.1: no attribute twice, none out of its place; a mandatory one we do not know fails."""
    names = [extension[0] for extension in extensions.split(",")[1:]]
    if "m" in names:
        malformed("extensions-not-supported")
    if len(set(names)) != len(names) or not _KNOWN_ATTRIBUTES.isdisjoint(names):
        malformed("an attribute twice or out of its place")

"""SCRAM-SHA-1 (RFC 5802) for the client, the password derived once a salt; and keys for seeded accounts."""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache

ITERATIONS = 4096
SALT = "6d0f9e8a-4c1b-4d0e-9a55-1c1a1f6b7d21"
"""One salt for all seeded accounts, so that the client derives the password once and not once an account."""


@dataclass(frozen=True, slots=True)
class ScramKeys:
    """What a server keeps of a password."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


@lru_cache(maxsize=20_000)
def salted_password(password: str, salt: bytes, iterations: int) -> bytes:
    """Derive the key from the password (RFC 5802 3); about 1 ms when it is not remembered."""
    return hashlib.pbkdf2_hmac("sha1", password.encode(), salt, iterations)


def keys_for(password: str) -> ScramKeys:
    """Give the stored form of a seeded account's password."""
    salt = SALT.encode()
    salted = salted_password(password, salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha1")
    return ScramKeys(
        salt, ITERATIONS, hashlib.sha1(client_key).digest(), hmac.digest(salted, b"Server Key", "sha1")
    )


class ScramClient:
    """One exchange, without channel binding."""

    __slots__ = ("_bare", "_nonce", "_password")

    def __init__(self, user: str, password: str, nonce: str) -> None:
        self._bare = f"n={user},r={nonce}"
        self._nonce = nonce
        self._password = password

    def first(self) -> bytes:
        """Give the client-first-message in base64."""
        return base64.b64encode(f"n,,{self._bare}".encode())

    def final(self, challenge_base64: bytes) -> bytes:
        """Answer the server-first-message; raise ValueError for one that does not continue our nonce."""
        challenge = base64.b64decode(challenge_base64).decode()
        fields = dict(part.split("=", 1) for part in challenge.split(","))
        if not fields["r"].startswith(self._nonce):
            raise ValueError("the server's nonce does not begin with ours")
        salted = salted_password(self._password, base64.b64decode(fields["s"]), int(fields["i"]))
        client_key = hmac.digest(salted, b"Client Key", "sha1")
        without_proof = f"c=biws,r={fields['r']}"
        message = f"{self._bare},{challenge},{without_proof}".encode()
        signature = hmac.digest(hashlib.sha1(client_key).digest(), message, "sha1")
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        return base64.b64encode(f"{without_proof},p={base64.b64encode(proof).decode()}".encode())

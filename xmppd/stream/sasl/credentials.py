"""What is stored of a password: SCRAM keys (RFC 5802 3, RFC 7677), one set a hash; never the password.

From stored keys a password can be verified (PLAIN) and a SCRAM login made without deriving anything anew.
For a user who is not there decoys are computed that look the same from login to login.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from xmppd.stream.sasl import base64
from xmppd.stream.saslprep import saslprep

ALGORITHMS: Final = MappingProxyType({"SHA-512": "sha512", "SHA-256": "sha256", "SHA-1": "sha1"})
"""SCRAM's name of a hash → the standard library's; the strongest first."""

HASHES: Final = tuple(ALGORITHMS)
_KEY_BYTES: Final = {name: hashlib.new(algorithm).digest_size for name, algorithm in ALGORITHMS.items()}
ITERATIONS: Final = 10_000
SALT_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class ScramKeys:
    """RFC 5802 3: what the server keeps for one hash."""

    salt: bytes
    iterations: int
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Credentials(Mapping[str, ScramKeys]):
    """The keys of an account by the name of the hash: "SHA-1", "SHA-256", "SHA-512"."""

    _keys: Mapping[str, ScramKeys]

    def __getitem__(self, hash_name: str) -> ScramKeys:
        return self._keys[hash_name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def to_json(self) -> bytes:
        """For storage: an object of objects, byte strings in base64."""
        stored = {
            hash_name: {
                "salt": base64.encode(keys.salt),
                "iterations": keys.iterations,
                "stored_key": base64.encode(keys.stored_key),
                "server_key": base64.encode(keys.server_key),
            }
            for hash_name, keys in self._keys.items()
        }
        return json.dumps(stored, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes, only: str | None = None) -> "Credentials":
        """What `to_json` gave; ValueError for anything else, such as a key of the wrong length.

        Of the hash *only* alone where one is named: a login needs no other.
        """
        try:
            return cls(
                {
                    hash_name: _keys_from(hash_name, stored)
                    for hash_name, stored in json.loads(data).items()
                    if only is None or hash_name == only
                }
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"not stored credentials: {error!r}") from None


@dataclass(frozen=True, slots=True)
class Salted:
    """A salted password (RFC 5802 3) that a client has computed (XEP-0480 3); ValueError for one of another length."""

    hash_name: str
    salt: bytes
    iterations: int
    password: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.password) != hashlib.new(ALGORITHMS[self.hash_name]).digest_size:
            raise ValueError(f"a salted password of the wrong length for {self.hash_name}")

    def keys(self) -> ScramKeys:
        """What is stored of it."""
        algorithm = ALGORITHMS[self.hash_name]
        client_key = hmac.digest(self.password, b"Client Key", algorithm)
        server_key = hmac.digest(self.password, b"Server Key", algorithm)
        return ScramKeys(self.salt, self.iterations, hashlib.new(algorithm, client_key).digest(), server_key)


def key_bytes(hash_name: str) -> int:
    """Give how long the keys of a hash are."""
    return _KEY_BYTES[hash_name]


def new_salt(random: Callable[[int], bytes] = secrets.token_bytes) -> bytes:
    """Give the salt of another password; *random* gives that many bytes."""
    return random(SALT_BYTES)


def derive(
    password: str,
    *,
    iterations: int = ITERATIONS,
    random: Callable[[int], bytes] = secrets.token_bytes,
    hash_names: Iterable[str] = HASHES,
) -> Credentials:
    """Credentials from *password*, prepared by SASLprep; *random* gives that many bytes for each salt.

    Takes some 10 ms of CPU: run it in a thread. ValueError if the password is empty or has prohibited
    characters. What Unicode 3.2 did not know is let through, against RFC 5802 2.2: people have such
    passwords, other servers took them, and NFKC leaves these characters as they are.
    """
    prepared = _prepared(password)
    if prepared is None:
        raise ValueError("a password must not be empty nor have characters that RFC 4013 prohibits")
    keys = {}
    for hash_name in hash_names:
        salt = random(SALT_BYTES)
        keys[hash_name] = _derived(hash_name, prepared, salt, iterations)
    return Credentials(keys)


def verify(credentials: Credentials, password: str) -> bool:
    """Whether *password* is the one that *credentials* were made from, by their strongest hash.

    Takes some 5 ms of CPU: run it in a thread. For a user who is not there, verify `fake_credentials`.
    """
    hash_name = next((name for name in HASHES if name in credentials), None)
    prepared = _prepared(password)
    if hash_name is None or prepared is None:
        return False
    keys = credentials[hash_name]
    derived = _derived(hash_name, prepared, keys.salt, keys.iterations)
    return hmac.compare_digest(derived.stored_key, keys.stored_key)


def fake_keys(
    secret: bytes, host: str, username: str, hash_name: str, iterations: int = ITERATIONS
) -> ScramKeys:
    """Decoy keys for a user who is not there: the same each time, and nobody knows a password for them.

    *secret* must stay the same as long as the accounts do. *iterations* should be what most accounts have.
    """
    size = hashlib.new(ALGORITHMS[hash_name]).digest_size

    def part(purpose: str) -> bytes:
        seed = "\0".join((purpose, host, username, hash_name)).encode()
        return hmac.digest(secret, seed, "sha512")

    return ScramKeys(
        part("salt")[:SALT_BYTES], iterations, part("stored key")[:size], part("server key")[:size]
    )


def fake_credentials(secret: bytes, host: str, username: str, iterations: int = ITERATIONS) -> Credentials:
    """Decoys for every hash, so that verifying a password takes as long as for a user who is there."""
    return Credentials({name: fake_keys(secret, host, username, name, iterations) for name in HASHES})


def _prepared(password: str) -> bytes | None:
    """The password by SASLprep in UTF-8; None where there is none."""
    try:
        return saslprep(password, allow_unassigned=True).encode() or None
    except ValueError:
        return None


def _derived(hash_name: str, password: bytes, salt: bytes, iterations: int) -> ScramKeys:
    """RFC 5802 3."""
    salted_password = hashlib.pbkdf2_hmac(ALGORITHMS[hash_name], password, salt, iterations)
    return Salted(hash_name, salt, iterations, salted_password).keys()


def _keys_from(hash_name: str, stored: dict[str, Any]) -> ScramKeys:
    size = _KEY_BYTES[hash_name]
    salt, stored_key, server_key = (
        base64.decode(stored[field]) for field in ("salt", "stored_key", "server_key")
    )
    iterations = stored["iterations"]
    if type(iterations) is not int or iterations < 1 or not salt:
        raise ValueError("no salt or no number of iterations")
    if len(stored_key) != size or len(server_key) != size:
        raise ValueError(f"a key of the wrong length for {hash_name}")
    return ScramKeys(salt, iterations, stored_key, server_key)

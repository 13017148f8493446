"""Stored SCRAM keys: derived, verified, written, read, and decoys for users who are not there."""

import base64
import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from xmppd.stream.sasl.credentials import (
    HASHES,
    ITERATIONS,
    SALT_BYTES,
    Credentials,
    derive,
    fake_credentials,
    fake_keys,
    verify,
)

PASSWORD = "pencil"
KEYS = derive(PASSWORD, iterations=8)
SECRET = b"secret of the server"


class DeriveTests(SynchronousTestCase):
    """RFC 5802 3."""

    def test_vector(self) -> None:
        """RFC 5802 5: the keys of the example user, as they follow from its salt."""
        salt = base64.b64decode("QSXCR+Q6sek8bf92")
        keys = derive(PASSWORD, iterations=4096, random=lambda size: salt, hash_names=["SHA-1"])["SHA-1"]
        self.assertEqual((keys.salt, keys.iterations), (salt, 4096))
        self.assertEqual(keys.stored_key.hex(), "e9d94660c39d65c38fbad91c358f14da0eef2bd6")
        self.assertEqual(keys.server_key.hex(), "0fe09258b3ac852ba502cc62ba903eaacdbf7d31")

    def test_every_hash_with_its_own_salt(self) -> None:
        """One set of keys a hash, each with fresh salt from the random source, 10,000 iterations."""
        salts = [bytes([number]) * SALT_BYTES for number in range(len(HASHES))]
        credentials = derive(PASSWORD, random=lambda size: salts.pop()[:size])
        self.assertEqual(set(credentials), {"SHA-1", "SHA-256", "SHA-512"})
        self.assertEqual({keys.iterations for keys in credentials.values()}, {ITERATIONS})
        self.assertEqual(len({keys.salt for keys in credentials.values()}), len(HASHES))

    def test_passwords_are_prepared(self) -> None:
        """RFC 4013: spellings of one password are one; characters newer than Unicode 3.2 are let through."""
        self.assertTrue(verify(derive("p\u00adencil\u00a0\u2168", iterations=8), "pencil IX"))
        self.assertTrue(verify(derive("\U0001f511", iterations=8), "\U0001f511"))

    def test_impossible_passwords(self) -> None:
        """RFC 4013: empty, or with prohibited characters."""
        for password in ("", "\u00ad", "a\x07", "a\ud800"):
            self.assertRaises(ValueError, derive, password, iterations=8)
            self.assertFalse(verify(KEYS, password))


class VerifyTests(SynchronousTestCase):
    """A password against stored keys."""

    def test_right_and_wrong(self) -> None:
        """The right password fits, any other does not."""
        self.assertTrue(verify(KEYS, PASSWORD))
        for wrong in ("Pencil", "pencil ", "x"):
            self.assertFalse(verify(KEYS, wrong))

    def test_each_hash_alone(self) -> None:
        """Any one hash is enough, as for imported accounts."""
        for hash_name in HASHES:
            self.assertTrue(verify(Credentials({hash_name: KEYS[hash_name]}), PASSWORD))

    def test_no_keys(self) -> None:
        """An account without keys has no right password."""
        self.assertFalse(verify(Credentials({}), PASSWORD))

    def test_secrets_are_not_shown(self) -> None:
        """Keys do not get into a log by their repr."""
        self.assertNotIn("_key=", repr(KEYS))


class JsonTests(SynchronousTestCase):
    """The form in which they are stored."""

    def test_round_trip(self) -> None:
        """What was written is read back, and still verifies."""
        self.assertEqual(Credentials.from_json(KEYS.to_json()), KEYS)
        self.assertEqual(dict(Credentials.from_json(KEYS.to_json(), "SHA-256")), {"SHA-256": KEYS["SHA-256"]})
        self.assertTrue(verify(Credentials.from_json(KEYS.to_json()), PASSWORD))

    def test_anything_else(self) -> None:
        """ValueError for what cannot be credentials."""
        for data in (b"", b"[]", b"1", b"{", b"\xff", b'{"SHA-1":1}', b'{"SHA-1":{}}'):
            self.assertRaises(ValueError, Credentials.from_json, data)

    def test_damaged(self) -> None:
        """ValueError for a damaged field, so that damage does not become a login."""
        damages: list[tuple[str, Any]] = [
            ("salt", ""),
            ("salt", "!"),
            ("salt", 1),
            ("iterations", 0),
            ("iterations", "8"),
            ("iterations", True),
            ("stored_key", "AAAA"),
            ("server_key", ""),
        ]
        for name, value in damages:
            stored = json.loads(KEYS.to_json())
            stored["SHA-1"][name] = value
            self.assertRaises(ValueError, Credentials.from_json, json.dumps(stored).encode())

    def test_unknown_hash(self) -> None:
        """ValueError for a hash we do not know."""
        stored = KEYS.to_json().replace(b"SHA-1", b"MD5")
        self.assertRaises(ValueError, Credentials.from_json, stored)


class DecoyTests(SynchronousTestCase):
    """promises#unknown-users: unknown users are not told from known ones."""

    def test_same_shape(self) -> None:
        """As long as real ones."""
        for hash_name in HASHES:
            real, fake = KEYS[hash_name], fake_keys(SECRET, "localhost", "bob", hash_name, 8)
            self.assertEqual(
                (len(real.salt), real.iterations, len(real.stored_key), len(real.server_key)),
                (len(fake.salt), fake.iterations, len(fake.stored_key), len(fake.server_key)),
            )

    def test_stable_and_of_each_user(self) -> None:
        """The same for the same question; other for another secret, host, name or hash."""
        same = [fake_keys(SECRET, "localhost", "bob", "SHA-1", 8) for _ in range(2)]
        self.assertEqual(same[0], same[1])
        others = [
            fake_keys(b"other", "localhost", "bob", "SHA-1", 8),
            fake_keys(SECRET, "example.org", "bob", "SHA-1", 8),
            fake_keys(SECRET, "localhost", "carol", "SHA-1", 8),
            fake_keys(SECRET, "localhost", "bob", "SHA-256", 8),
        ]
        self.assertEqual(len({keys.salt for keys in [same[0], *others]}), 5)

    def test_passwords_of_decoys(self) -> None:
        """Verifying against decoys does the same work, and fails."""
        fakes = fake_credentials(SECRET, "localhost", "bob", 8)
        self.assertEqual(set(fakes), set(HASHES))
        self.assertFalse(verify(fakes, PASSWORD))

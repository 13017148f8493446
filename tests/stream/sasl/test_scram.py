"""SCRAM and SCRAM-PLUS: the RFCs' vectors, all mechanisms, and users that there are not."""

import base64

from twisted.trial.unittest import SynchronousTestCase

from tests.stream.sasl.client import HOST, REALM, ScramClient, challenge_from, log_in
from tests.stream.sasl.scram import BINDINGS, DECOYS, KEYS, NONCE, PASSWORD, scram
from xmppd.stream.sasl.credentials import HASHES, Credentials, ScramKeys, derive
from xmppd.stream.sasl.scram import NO_BINDING, Scram, downgrade_text
from xmppd.stream.sasl.steps import Challenge, NeedKeys, SaslError, Success


def keys_from(hash_name: str, salt: str) -> Credentials:
    """The keys of the RFCs' examples, from their salt."""
    return derive(
        PASSWORD, iterations=4096, random=lambda size: base64.b64decode(salt), hash_names=[hash_name]
    )


class VectorTests(SynchronousTestCase):
    """The examples printed in the specifications, byte for byte."""

    def assert_exchange(
        self, mechanism: Scram, credentials: Credentials, first: str, challenge: str, final: str, last: str
    ) -> None:
        """The mechanism says exactly what is printed."""
        self.assertEqual(mechanism.start(first.encode()), NeedKeys("user", next(iter(credentials))))
        self.assertEqual(mechanism.keys(next(iter(credentials.values()))), Challenge(challenge.encode()))
        self.assertEqual(mechanism.respond(final.encode()), Success("user", last.encode()))

    def test_rfc_5802_5(self) -> None:
        """RFC 5802 5: SCRAM-SHA-1."""
        nonce = f"fyko+d2lbbFgONRv9qkxdawL{NONCE}"
        self.assert_exchange(
            scram("SHA-1"),
            keys_from("SHA-1", "QSXCR+Q6sek8bf92"),
            "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
            f"r={nonce},s=QSXCR+Q6sek8bf92,i=4096",
            f"c=biws,r={nonce},p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
            "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
        )

    def test_rfc_7677_3(self) -> None:
        """RFC 7677 3: SCRAM-SHA-256."""
        nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
        self.assert_exchange(
            scram("SHA-256", nonce="%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"),
            keys_from("SHA-256", "W22ZaJ0SNY7soEsUEjb6gQ=="),
            "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
            f"r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
            f"c=biws,r={nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
        )

    def test_xep_0474(self) -> None:
        """XEP-0474 5.3: SCRAM-SHA-1-PLUS with the hash of what was announced, and an optional attribute."""
        nonce = "12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6"
        self.assert_exchange(
            scram(
                is_plus=True,
                nonce=nonce[36:],
                bindings={"tls-exporter": b"THIS IS FAKE CB DATA"},
                downgrade=downgrade_text(
                    ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"], ["tls-server-end-point", "tls-exporter"]
                ),
            ),
            keys_from("SHA-1", "QSXCR+Q6sek8bf92"),
            f"p=tls-exporter,,n=user,r={nonce[:36]}",
            f"r={nonce},s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08=",
            f"c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB,r={nonce},"
            "x=19C6532F-1CF4-4A27-A18D-DC9CEA41BBB3,p=M/SIDjT+dfcxUh89jZEypRvFxB4=",
            "v=MQrMPvv7yv4x4Cq4W4Ih25EqS2c=",
        )


class LoginTests(SynchronousTestCase):
    """Logins that succeed."""

    def assert_logs_in(self, mechanism: Scram, client: ScramClient, username: str = "alice") -> None:
        """Both sides are content."""
        success = log_in(mechanism, client, KEYS)
        self.assertEqual(success.username, username)
        self.assertTrue(client.verify(success.data or b""))

    def test_each_hash(self) -> None:
        """RFC 5802 4: each hash, with and without the client's word on channel binding."""
        for hash_name in HASHES:
            for flag in "ny":
                mechanism = scram(hash_name)
                self.assertEqual(mechanism.name, f"SCRAM-{hash_name}")
                self.assert_logs_in(mechanism, ScramClient(mechanism.name, "alice", PASSWORD, flag=flag))

    def test_each_hash_with_each_binding(self) -> None:
        """RFC 5802 6: the -PLUS form of each hash with each type of channel binding."""
        for hash_name in HASHES:
            for cb_type, cb_data in BINDINGS.items():
                mechanism = scram(hash_name, is_plus=True)
                self.assertEqual(mechanism.name, f"SCRAM-{hash_name}-PLUS")
                self.assert_logs_in(
                    mechanism, ScramClient(mechanism.name, "alice", PASSWORD, cb_type, cb_data)
                )

    def test_not_supporting_binding_is_allowed(self) -> None:
        """RFC 5802 6: a client that supports no channel binding (n) may come where it is offered."""
        self.assert_logs_in(scram(is_offered=True), ScramClient("SCRAM-SHA-1", "alice", PASSWORD, flag="n"))

    def test_username_is_prepared(self) -> None:
        """RFC 5802 5.1: SASLprep, then the localpart's own rules."""
        for given, username in (("Alice", "alice"), ("al\u00adice", "alice"), ("a=b", "a=b"), ("a,b", "a,b")):
            self.assert_logs_in(scram(), ScramClient("SCRAM-SHA-1", given, PASSWORD), username)

    def test_own_authzid(self) -> None:
        """RFC 6120 6.3.8: one's own name or bare JID as authzid is fine, after preparation."""
        for authzid in ("alice", "ALICE", f"alice@{HOST}", f"Alice@{HOST.upper()}"):
            self.assert_logs_in(scram(), ScramClient("SCRAM-SHA-1", "alice", PASSWORD, authzid=authzid))

    def test_optional_extensions_are_ignored(self) -> None:
        """RFC 5802 5.1: unknown optional attributes are ignored, but signed."""
        client = ScramClient("SCRAM-SHA-1", "alice", PASSWORD, extra=",x=1,Y=a=b/ü")
        client.bare += ",z=42"
        self.assert_logs_in(scram(), client)

    def test_without_initial_response(self) -> None:
        """RFC 4422 3.3: a client that sends no initial response is asked for its message."""
        mechanism, client = scram(), ScramClient("SCRAM-SHA-1", "alice", PASSWORD)
        self.assertEqual(mechanism.start(None), Challenge(b""))
        self.assertEqual(mechanism.respond(client.first()), NeedKeys("alice", "SHA-1"))

    def test_downgrade_hash_is_optional(self) -> None:
        """XEP-0474: without it there is no h; with it, it is part of what both sides sign."""
        client = ScramClient("SCRAM-SHA-1", "alice", PASSWORD)
        self.assert_logs_in(scram(), client)
        self.assertIsNone(client.server_hash)
        self.assert_logs_in(scram(downgrade="SCRAM-SHA-1"), client)
        self.assertIsNotNone(client.server_hash)

    def test_downgrade_text(self) -> None:
        """XEP-0474 5.1: sorted lists; the second with its delimiter only if it is announced."""
        self.assertEqual(downgrade_text(["B", "A-1", "A"], None), "A\x1eA-1\x1eB")
        self.assertEqual(downgrade_text(["B", "A"], ["t", "s"]), "A\x1eB\x1fs\x1et")


class UnknownUserTests(SynchronousTestCase):
    """promises#unknown-users: an unknown user gets a challenge of the same shape, a stable salt, and fails alike."""

    def failure(
        self, username: str, credentials: Credentials | None, password: str = "wrong"
    ) -> tuple[bytes, SaslError]:
        """The challenge that *username* got, and how it ended."""
        mechanism, client = scram(), ScramClient("SCRAM-SHA-1", username, password, nonce="abc")
        challenge = challenge_from(mechanism, client.first(), credentials)
        return challenge, self.assertRaises(SaslError, mechanism.respond, client.final(challenge))

    def test_indistinguishable(self) -> None:
        """An unknown user and a wrong password differ in the bytes of the salt, and in nothing else."""
        (known, known_error), (unknown, unknown_error) = (
            self.failure("alice", KEYS),
            self.failure("bob", None),
        )
        self.assertEqual(len(known), len(unknown))
        self.assertEqual([part[:2] for part in known.split(b",")], [part[:2] for part in unknown.split(b",")])
        self.assertEqual(known.split(b",")[2], unknown.split(b",")[2])
        for error in (known_error, unknown_error):
            self.assertEqual((error.condition, error.text), ("not-authorized", None))

    def test_stable_salt(self) -> None:
        """The same unknown user gets the same salt again; another one gets another."""
        self.assertEqual(self.failure("bob", None)[0], self.failure("Bob", None)[0])
        self.assertNotEqual(self.failure("bob", None)[0], self.failure("carol", None)[0])

    def test_decoys_never_fit(self) -> None:
        """Even with keys that equal the decoys, an unknown user is not let in."""
        client = ScramClient("SCRAM-SHA-1", "alice", PASSWORD)
        client_keys: ScramKeys = KEYS["SHA-1"]
        mechanism = scram()
        challenge_from(mechanism, client.first(), None)
        mechanism._keys = client_keys
        salt = base64.b64encode(client_keys.salt).decode()
        server_first = f"r={client.nonce}{NONCE},s={salt},i={client_keys.iterations}"
        mechanism._auth_message = f"{client.bare},{server_first}"
        self.assertRaises(SaslError, mechanism.respond, client.final(server_first.encode()))

    def test_missing_hash_fails_alike(self) -> None:
        """An account without keys for this hash gets a decoy as well."""
        only_sha_256 = derive(PASSWORD, iterations=8, hash_names=["SHA-256"])
        challenge, error = self.failure("alice", only_sha_256, PASSWORD)
        self.assertEqual(challenge, self.failure("alice", None)[0])
        self.assertEqual((error.condition, error.text), ("not-authorized", None))

    def test_without_bindings_at_all(self) -> None:
        """A plain connection: y is right, as there is nothing to bind to."""
        mechanism = Scram("SHA-1", REALM, DECOYS, nonce=lambda: NONCE, binding=NO_BINDING)
        self.assertEqual(mechanism.start(b"y,,n=alice,r=abc"), NeedKeys("alice", "SHA-1"))

"""SCRAM and SCRAM-PLUS: the RFCs' vectors, all mechanisms, and every way of tampering."""

import base64
from collections.abc import Callable, Mapping

from twisted.trial.unittest import SynchronousTestCase

from tests.stream.sasl.client import HOST, REALM, ScramClient, challenge_from, log_in
from xmppd.stream.sasl.credentials import HASHES, Credentials, ScramKeys, derive
from xmppd.stream.sasl.scram import NO_BINDING, ChannelBinding, Decoys, Scram, downgrade_text
from xmppd.stream.sasl.steps import Challenge, NeedKeys, SaslError, Success

PASSWORD = "pencil"
BINDINGS = {"tls-exporter": b"\x00exported\xff", "tls-server-end-point": b"hash of the certificate"}
KEYS = derive(PASSWORD, iterations=8, random=lambda size: b"salt" * (size // 4))
DECOYS = Decoys(b"secret", 8)
NONCE = "3rfcNHYJY1ZVvWVs7j"


def scram(
    hash_name: str = "SHA-1",
    *,
    is_plus: bool = False,
    is_offered: bool = False,
    nonce: str = NONCE,
    bindings: Mapping[str, bytes] = BINDINGS,
    downgrade: str | None = None,
) -> Scram:
    """A mechanism as a server makes it."""
    binding = ChannelBinding(bindings, is_plus, is_offered or is_plus)
    return Scram(hash_name, REALM, DECOYS, nonce=lambda: nonce, binding=binding, downgrade=downgrade)


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


FIRST_MALFORMED = {
    "empty": b"",
    "no GS2 header": b"n=alice,r=abc",
    "half a GS2 header": b"n,n=alice,r=abc",
    "unknown flag": b"x,,n=alice,r=abc",
    "flag in capitals": b"N,,n=alice,r=abc",
    "empty authzid": b"n,a=,n=alice,r=abc",
    "authzid without name": b"n,alice,n=alice,r=abc",
    "no username": b"n,,r=abc",
    "empty username": b"n,,n=,r=abc",
    "no nonce": b"n,,n=alice",
    "empty nonce": b"n,,n=alice,r=",
    "nonce with space": b"n,,n=alice,r=a c",
    "nonce with control": b"n,,n=alice,r=a\x01c",
    "nonce not ASCII": "n,,n=alice,r=aüc".encode(),
    "reordered": b"n,,r=abc,n=alice",
    "username twice": b"n,,n=alice,n=bob,r=abc",
    "username again": b"n,,n=alice,r=abc,n=bob",
    "nonce again": b"n,,n=alice,r=abc,r=def",
    "proof too early": b"n,,n=alice,r=abc,p=def",
    "extension twice": b"n,,n=alice,r=abc,x=1,x=2",
    "empty extension": b"n,,n=alice,r=abc,x=",
    "extension without name": b"n,,n=alice,r=abc,=1",
    "mandatory extension": b"n,,m=1,n=alice,r=abc",
    "mandatory extension at the end": b"n,,n=alice,r=abc,m=1",
    "bare equals sign": b"n,,n=al=ice,r=abc",
    "escape in small letters": b"n,,n=al=2cice,r=abc",
    "escape of something else": b"n,,n=al=41ice,r=abc",
    "bad escape in authzid": b"n,a=al=ice,n=alice,r=abc",
    "NUL": b"n,,n=al\0ice,r=abc",
    "comma at the end": b"n,,n=alice,r=abc,",
    "line feed at the end": b"n,,n=alice,r=abc\n",
    "not UTF-8": b"n,,n=al\xffice,r=abc",
    "surrogate": b"n,,n=al\xed\xa0\x80ice,r=abc",
    "too long": b"n,,n=alice,r=" + b"a" * 4096,
    "channel binding without -PLUS": b"p=tls-exporter,,n=alice,r=abc",
    "empty channel binding": b"p=,,n=alice,r=abc",
}

FIRST_REFUSED = {
    "another's name": (b"n,a=bob,n=alice,r=abc", "invalid-authzid"),
    "another's JID": (b"n,a=bob@localhost,n=alice,r=abc", "invalid-authzid"),
    "the same name elsewhere": (b"n,a=alice@example.org,n=alice,r=abc", "invalid-authzid"),
    "full JID": (b"n,a=alice@localhost/phone,n=alice,r=abc", "invalid-authzid"),
    "no JID": (b"n,a=@,n=alice,r=abc", "invalid-authzid"),
    "JID as username": (b"n,,n=alice@localhost,r=abc", "not-authorized"),
    "slash in username": (b"n,,n=localhost/alice,r=abc", "not-authorized"),
    "prohibited by SASLprep": (b"n,,n=al\x07ice,r=abc", "not-authorized"),
    "prohibited in a localpart": (b"n,,n=al ice,r=abc", "not-authorized"),
    "nothing left by SASLprep": ("n,,n=\u00ad,r=abc".encode(), "not-authorized"),
}


def without(name: str) -> Callable[[str], str]:
    """Leave out an attribute."""
    return lambda final: ",".join(part for part in final.split(",") if not part.startswith(f"{name}="))


def replaced(name: str, value: str) -> Callable[[str], str]:
    """Give an attribute another value."""
    return lambda final: ",".join(
        f"{name}={value}" if part.startswith(f"{name}=") else part for part in final.split(",")
    )


def on_text(change: Callable[[str], str]) -> Callable[[bytes], bytes]:
    """The same for bytes."""
    return lambda final: change(final.decode()).encode()


def appended(text: str) -> Callable[[str], str]:
    """Add something before the proof."""
    return lambda final: final.replace(",p=", f",{text},p=")


FINAL_CHANGED: Mapping[str, tuple[Callable[[str], str], str]] = {
    "other flag in c": (replaced("c", "eSws"), "not-authorized"),
    "c in other base64": (replaced("c", "biwt"), "not-authorized"),
    "c with stray bits": (replaced("c", "biws===="), "not-authorized"),
    "c with binding data": (replaced("c", "biwsYWJj"), "not-authorized"),
    "empty c": (replaced("c", ""), "malformed-request"),
    "no c": (without("c"), "malformed-request"),
    "c again": (appended("c=biws"), "malformed-request"),
    "other r": (replaced("r", "abc"), "not-authorized"),
    "empty r": (replaced("r", ""), "malformed-request"),
    "no r": (without("r"), "malformed-request"),
    "r again": (appended("r=abc"), "malformed-request"),
    "n again": (appended("n=bob"), "malformed-request"),
    "mandatory extension": (appended("m=1"), "malformed-request"),
    "extension added": (appended("x=1"), "not-authorized"),
    "extension twice": (appended("x=1,x=1"), "malformed-request"),
    "other proof": (replaced("p", base64.b64encode(bytes(20)).decode()), "not-authorized"),
    "short proof": (replaced("p", base64.b64encode(bytes(19)).decode()), "not-authorized"),
    "long proof": (replaced("p", base64.b64encode(bytes(21)).decode()), "not-authorized"),
    "longer proof": (lambda final: final[:-1] + "A", "not-authorized"),
    "bad base64": (replaced("p", "abc"), "malformed-request"),
    "proof with stray bits": (replaced("p", "v0X8v3Bz2T0CJGbJQyF0X+HI4Tt="), "malformed-request"),
    "base64 of the web": (replaced("p", "-_=="), "malformed-request"),
    "space in base64": (replaced("p", "AA A"), "malformed-request"),
    "empty proof": (replaced("p", ""), "malformed-request"),
    "no proof": (without("p"), "malformed-request"),
    "proof again": (lambda final: f"{final},p=AAAA", "malformed-request"),
    "behind the proof": (lambda final: f"{final},x=1", "malformed-request"),
    "reordered": (lambda final: ",".join(sorted(final.split(","), reverse=True)), "malformed-request"),
    "empty": (lambda final: "", "malformed-request"),
    "client-first again": (lambda final: "n,,n=alice,r=abc", "malformed-request"),
    "too long": (appended("x=" + "a" * 4096), "malformed-request"),
}


class TamperingTests(SynchronousTestCase):
    """promises#passwords: everything that is not to the letter fails, and nothing can be tried twice."""

    def assert_refused(self, condition: str, function: Callable[..., object], *args: object) -> SaslError:
        """SaslError with *condition*."""
        error: SaslError = self.assertRaises(SaslError, function, *args)
        self.assertEqual(error.condition, condition)
        return error

    def test_client_first_malformed(self) -> None:
        """RFC 5802 7: what is not a client-first-message is a malformed request."""
        for name, message in FIRST_MALFORMED.items():
            with self.subTest(name):
                self.assert_refused("malformed-request", scram().start, message)

    def test_client_first_refused(self) -> None:
        """RFC 5802 5.1, RFC 6120 6.3.8: names that are well-formed and yet cannot be."""
        for name, (message, condition) in FIRST_REFUSED.items():
            with self.subTest(name):
                self.assert_refused(condition, scram().start, message)

    def test_client_final_changed(self) -> None:
        """RFC 5802 5, 7: any change of the client-final-message fails, whatever it is."""
        for name, (change, condition) in FINAL_CHANGED.items():
            client = ScramClient("SCRAM-SHA-1", "alice", PASSWORD)
            with self.subTest(name):
                self.assert_refused(condition, log_in, scram(), client, KEYS, on_text(change))

    def test_texts(self) -> None:
        """RFC 5802 7: the server-error-values that tell nothing about the user are told."""
        texts = (
            (replaced("r", "abc"), "other-error"),
            (replaced("c", "eSws"), "channel-bindings-dont-match"),
            (replaced("p", "abc"), "invalid-encoding"),
            (appended("m=1"), "extensions-not-supported"),
        )
        for change, text in texts:
            client = ScramClient("SCRAM-SHA-1", "alice", PASSWORD)
            error: SaslError = self.assertRaises(SaslError, log_in, scram(), client, KEYS, on_text(change))
            self.assertEqual(error.text, text)

    def test_client_final_not_utf_8(self) -> None:
        """RFC 5802 5.1: messages are UTF-8."""
        client = ScramClient("SCRAM-SHA-1", "alice", PASSWORD)
        self.assert_refused("malformed-request", log_in, scram(), client, KEYS, lambda final: b"\xff" + final)

    def test_one_proof_for_one_nonce(self) -> None:
        """After a failure the exchange is over, so that not even the right proof helps."""
        mechanism, client = scram(), ScramClient("SCRAM-SHA-1", "alice", PASSWORD)
        final = client.final(challenge_from(mechanism, client.first(), KEYS))
        self.assert_refused("not-authorized", mechanism.respond, final.replace(b"p=", b"x=1,p="))
        self.assert_refused("malformed-request", mechanism.respond, final)

    def test_nothing_after_success(self) -> None:
        """A message after success is malformed."""
        mechanism, client = scram(), ScramClient("SCRAM-SHA-1", "alice", PASSWORD)
        final = client.final(challenge_from(mechanism, client.first(), KEYS))
        mechanism.respond(final)
        self.assert_refused("malformed-request", mechanism.respond, final)

    def test_message_while_keys_are_fetched(self) -> None:
        """A client that does not await the challenge is refused; a driver that mixes up steps has a bug."""
        mechanism = scram()
        mechanism.start(b"n,,n=alice,r=abc")
        self.assert_refused("malformed-request", mechanism.respond, b"n,,n=bob,r=abc")
        self.assertRaises(RuntimeError, scram().keys, None)
        self.assertRaises(RuntimeError, mechanism.checked, True)

    def test_claimed_lack_of_binding(self) -> None:
        """RFC 5802 6: y where the server offers channel binding shows that somebody hid the offer."""
        error = self.assert_refused("malformed-request", scram(is_offered=True).start, b"y,,n=alice,r=abc")
        self.assertEqual(error.text, "server-does-support-channel-binding")
        self.assertTrue(error.is_trial and not error.is_guess)

    def test_plus_needs_binding(self) -> None:
        """RFC 5802 6: a -PLUS mechanism without channel binding is malformed."""
        for flag in "ny":
            message = f"{flag},,n=alice,r=abc".encode()
            self.assert_refused("malformed-request", scram(is_plus=True).start, message)

    def test_unknown_binding(self) -> None:
        """RFC 5802 6: a type of channel binding that this connection does not have."""
        error = self.assert_refused(
            "malformed-request", scram(is_plus=True).start, b"p=tls-unique,,n=alice,r=abc"
        )
        self.assertEqual(error.text, "unsupported-channel-binding-type")
        self.assertTrue(error.is_trial and not error.is_guess)

    def test_other_binding_data(self) -> None:
        """RFC 5802 6: who sits between two TLS connections has other data on each."""
        for cb_data in (b"", b"other", BINDINGS["tls-server-end-point"]):
            client = ScramClient("SCRAM-SHA-1-PLUS", "alice", PASSWORD, "tls-exporter", cb_data)
            error = self.assert_refused("not-authorized", log_in, scram(is_plus=True), client, KEYS)
            self.assertEqual(error.text, "channel-bindings-dont-match")


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

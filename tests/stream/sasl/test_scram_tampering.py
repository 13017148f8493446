"""SCRAM and SCRAM-PLUS: every way of tampering with what is said."""

import base64
from collections.abc import Callable, Mapping

from twisted.trial.unittest import SynchronousTestCase

from tests.stream.sasl.client import ScramClient, challenge_from, log_in
from tests.stream.sasl.scram import BINDINGS, KEYS, PASSWORD, scram
from xmppd.stream.sasl.steps import SaslError

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

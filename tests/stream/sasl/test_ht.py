"""The Hashed Token mechanisms: draft-schmaus-kitten-sasl-ht-09, as XEP-0484 uses them."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.stream.sasl.ht import HT_MECHANISMS, HashedToken, ht_offer
from xmppd.stream.sasl.realm import Realm
from xmppd.stream.sasl.steps import Challenge, NeedTokens, SaslError, Success

TOKEN = "secret-token:fast-3FxvQ2ZyNqf8"
BINDINGS = {"tls-exporter": bytes(range(32)), "tls-server-end-point": b"\xaa" * 32}
VECTORS = {
    "HT-SHA-256-EXPR": (
        "889093276f23ecc51ce3acc3cc97fb88963161ef0eefeb5486615b47b246c96b",
        "56154159f441661d672733c0f4b8f19e8b9e3e5356c04b935e02484cbbc7e3bf",
    ),
    "HT-SHA-256-ENDP": (
        "e4493c30c6a16a3dd83d0a3979a59ac376a307c1eaf953e8b92628d073087de8",
        "ef46f70d03bb661c2bfa467c275643aa981157986ddb6db0314630086180489c",
    ),
    "HT-SHA-256-NONE": (
        "f06faf6107579bc75642094f4e59210e33d686a9e95f58f08e4e8857ce8929dd",
        "3a609f479781a920b16980659e0c18e6d8235f6defa8e6e230b8fd130e7a583a",
    ),
    "HT-SHA-512-EXPR": (
        "ed7cff2f0e4c55af797e51a42e9168764d002c99c69b82cb1e0f644fb9625812dc9acf5233e1b0e17469a65923bb5843aa228ca429cd386b2c7d21210161132f",
        "0c8fa79f6f7c34bb105ec1a62ecf5c6fcbe175c848c44d73c77dc50c5931f7b01974e51f8e9fe51f698961fee04e9fcd7374828a2d65481de75a3a98038ab8e9",
    ),
    "HT-SHA-512-ENDP": (
        "d0524037f147979ac761ff5e194bfb40f9cc85d190b01b8e49ef0cec45a3396c3ea4751a3f29845634447f3a7ef03f8627f44b2a1a35aea299f466d5e06b9b8f",
        "410091691d55b0739aeaf6e83e98ab3dfeba02adbfb142fc2c6c7693fc67f3233c5c364b29cae20e27e16df07fe020a0f804833dd707a33ec3add9ababa2cee1",
    ),
    "HT-SHA-512-NONE": (
        "52544bea504553bb10c6bcaf2c99a9179e0dab591d03c4d2f5355419103bb706c36eddadc1fac09ddec2d8d3c1ad554eb302b0521cbe9585760df80d920867f7",
        "cc061c217d97f97f74c8f204197a46f6e1b5163672024186e0dc10a6d5582dbbedcb238003fed670cb8156873ea088efc496e54033d2c4b76b84e724bc299c55",
    ),
}
"""Initiator's and responder's hash of TOKEN, made by a script that builds HMAC from RFC 2104's formula."""


def prepare(text: str) -> str:
    """Stand in for the preparation of JIDs."""
    if " " in text:
        raise ValueError(text)
    return text.lower()


REALM = Realm("localhost", prepare)


def exchange(name: str = "HT-SHA-256-NONE") -> HashedToken:
    """Give a new exchange of romeo@localhost's server."""
    return HashedToken(name, REALM, BINDINGS)


def message(name: str, username: str = "romeo") -> bytes:
    """Give what a client with TOKEN sends."""
    return username.encode() + b"\0" + bytes.fromhex(VECTORS[name][0])


class HashedTokenTests(SynchronousTestCase):
    """One message each way."""

    def test_vectors(self) -> None:
        """Both hashes of each mechanism are those of an independent HMAC (3.1, 3.3)."""
        self.assertEqual(set(VECTORS), set(HT_MECHANISMS))
        for name, (_, responder) in VECTORS.items():
            mechanism = exchange(name)
            self.assertEqual(mechanism.start(message(name)), NeedTokens("romeo"))
            self.assertEqual(mechanism.tokens([TOKEN]), Success("romeo", bytes.fromhex(responder)))

    def test_offer(self) -> None:
        """Channel-binding mechanisms are offered where the connection has the data, NONE always (XEP-0484 3.1)."""
        self.assertEqual(ht_offer({}), ["HT-SHA-512-NONE", "HT-SHA-256-NONE"])
        self.assertIn("HT-SHA-256-EXPR", ht_offer(BINDINGS))
        self.assertEqual(ht_offer(BINDINGS)[-1], "HT-SHA-256-NONE")

    def test_which_token(self) -> None:
        """Of several tokens the one that was proved is told (XEP-0484 5.1)."""
        mechanism = exchange()
        mechanism.start(message("HT-SHA-256-NONE"))
        mechanism.tokens(["another", TOKEN])
        self.assertEqual(mechanism.used, 1)

    def test_other_mechanism(self) -> None:
        """A hash without, or with other, channel binding proves nothing."""
        for name in VECTORS:
            if name == "HT-SHA-256-EXPR":
                continue
            mechanism = exchange("HT-SHA-256-EXPR")
            mechanism.start(message(name))
            error = self.assertRaises(SaslError, mechanism.tokens, [TOKEN])
            self.assertEqual(error.condition, "not-authorized")

    def test_no_token(self) -> None:
        """A user without tokens fails like one with another token."""
        for tokens in ([], ["another"]):
            mechanism = exchange()
            mechanism.start(message("HT-SHA-256-NONE"))
            self.assertEqual(
                self.assertRaises(SaslError, mechanism.tokens, tokens).condition, "not-authorized"
            )
            self.assertEqual(mechanism.used, -1)

    def test_malformed(self) -> None:
        """What is no authcid, NUL and hash is malformed, and the exchange is over."""
        for data in (
            b"",
            b"romeo",
            b"romeo\0",
            b"\0hash",
            b"\xff\0hash",
            b"r" * 2000 + b"\0hash",
            b"r\0" + b"h" * 5000,
        ):
            mechanism = exchange()
            self.assertEqual(
                self.assertRaises(SaslError, mechanism.respond, data).condition, "malformed-request"
            )
            self.assertRaises(SaslError, mechanism.respond, message("HT-SHA-256-NONE"))

    def test_names(self) -> None:
        """A name is prepared; one that cannot be a user's is not authorized."""
        self.assertEqual(exchange().start(message("HT-SHA-256-NONE", "Romeo")), NeedTokens("romeo"))
        for name in ("ro meo", "romeo@localhost", "a/b"):
            error = self.assertRaises(SaslError, exchange().start, message("HT-SHA-256-NONE", name))
            self.assertEqual(error.condition, "not-authorized")

    def test_no_initial_response(self) -> None:
        """Without an initial response an empty challenge asks for it (RFC 4422 5)."""
        mechanism = exchange()
        self.assertEqual(mechanism.start(None), Challenge(b""))
        self.assertEqual(mechanism.respond(message("HT-SHA-256-NONE")), NeedTokens("romeo"))

    def test_not_offered(self) -> None:
        """A mechanism whose channel binding the connection lacks, or that is unknown, cannot be used."""
        for name in ("HT-SHA-256-EXPR", "HT-SHA-256-UNIQ", "SCRAM-SHA-1"):
            error = self.assertRaises(SaslError, HashedToken, name, REALM, {})
            self.assertEqual(error.condition, "invalid-mechanism")

    def test_tokens_unasked(self) -> None:
        """A driver that gives tokens unasked is told of its bug."""
        self.assertRaises(RuntimeError, exchange().tokens, [TOKEN])

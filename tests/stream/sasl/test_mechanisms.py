"""The offer of mechanisms, and the way from a name in it to an exchange."""

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from tests.stream.sasl.client import HOST, ScramClient, log_in, prepare
from xmppd.stream.sasl.credentials import derive
from xmppd.stream.sasl.mechanisms import MECHANISMS, SaslContext, make, new_nonce, offer
from xmppd.stream.sasl.steps import SaslError, Success

BINDINGS = {"tls-exporter": b"exporter", "tls-server-end-point": b"end point"}
PLAINTEXT = SaslContext(HOST, prepare, b"secret", decoy_iterations=8)
TLS = replace(PLAINTEXT, is_tls=True)
BOUND = replace(TLS, channel_bindings=BINDINGS)

SCRAM = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"]
PLUS = [f"{name}-PLUS" for name in SCRAM]

OFFERS = {
    "plaintext": (PLAINTEXT, SCRAM),
    "plaintext with passwords allowed": (replace(PLAINTEXT, allow_plain_without_tls=True), [*SCRAM, "PLAIN"]),
    "TLS": (TLS, [*SCRAM, "PLAIN"]),
    "TLS with channel binding": (BOUND, [*PLUS, *SCRAM, "PLAIN"]),
    "certificate": (replace(BOUND, certified=["alice@localhost"]), ["EXTERNAL", *PLUS, *SCRAM, "PLAIN"]),
    "certificate of another host": (replace(TLS, certified=["alice@example.org"]), [*SCRAM, "PLAIN"]),
    "certificate without TLS": (replace(PLAINTEXT, certified=["alice@localhost"]), SCRAM),
    "keys for one hash": (
        replace(BOUND, hashes=["SHA-1"]),
        ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "PLAIN"],
    ),
    "no keys": (replace(BOUND, hashes=[]), ["PLAIN"]),
    "anonymous": (replace(BOUND, is_anonymous=True, certified=["alice@localhost"]), ["ANONYMOUS"]),
    "anonymous without TLS": (replace(PLAINTEXT, is_anonymous=True), ["ANONYMOUS"]),
}


class OfferTests(SynchronousTestCase):
    """RFC 6120 6.3.3, 6.4.1."""

    def test_offers(self) -> None:
        """What is offered in which state, the strongest first."""
        for name, (context, expected) in OFFERS.items():
            with self.subTest(name):
                self.assertEqual(offer(context), expected, name)

    def test_make_what_is_offered(self) -> None:
        """RFC 6120 6.5.4, 6.5.7: only what is offered can be used; what TLS would bring says so."""
        names = [row.name for row in MECHANISMS] + ["", "plain", "DIGEST-MD5", "SCRAM-MD5"]
        for context, expected in OFFERS.values():
            under_tls = offer(replace(context, is_tls=True))
            for name in names:
                if name in expected:
                    self.assertEqual(make(name, context).name, name)
                else:
                    error = self.assertRaises(SaslError, make, name, context)
                    wanted = "encryption-required" if name in under_tls else "invalid-mechanism"
                    self.assertEqual(error.condition, wanted)


class MakeTests(SynchronousTestCase):
    """The exchanges are made with what the context holds."""

    def test_all_scram(self) -> None:
        """All six SCRAM mechanisms with both types of channel binding, by real nonces."""
        credentials = derive("pencil", iterations=8)
        for name in [*SCRAM, *PLUS]:
            for cb_type, cb_data in BINDINGS.items() if name in PLUS else [(None, b"")]:
                client = ScramClient(name, "alice", "pencil", cb_type, cb_data)
                success = log_in(make(name, BOUND), client, credentials)
                self.assertEqual(success.username, "alice")
                self.assertTrue(client.verify(success.data or b""))

    def test_claimed_lack_of_binding(self) -> None:
        """RFC 5802 6: y is refused where a -PLUS mechanism is offered, and else it is right."""
        for name in SCRAM:
            self.assertRaises(SaslError, make(name, BOUND).start, b"y,,n=alice,r=abc")
            make(name, TLS).start(b"y,,n=alice,r=abc")

    def test_downgrade_hash(self) -> None:
        """XEP-0474: the text of the context is what is hashed."""
        client = ScramClient("SCRAM-SHA-1", "alice", "pencil")
        mechanism = make("SCRAM-SHA-1", replace(TLS, downgrade="SCRAM-SHA-1"))
        log_in(mechanism, client, derive("pencil", iterations=8))
        self.assertEqual(client.server_hash, "LrtFoCs8XsoI+diY4u3rG69UGN8=")

    def test_others(self) -> None:
        """EXTERNAL knows the certificate, ANONYMOUS needs nothing."""
        context = replace(TLS, certified=["alice@localhost"])
        self.assertEqual(make("EXTERNAL", context).start(b""), Success("alice"))
        self.assertEqual(make("ANONYMOUS", replace(TLS, is_anonymous=True)).start(None), Success(None))

    def test_nonces(self) -> None:
        """RFC 5802 5.1: fresh, printable, without comma, at least 128 bits."""
        nonces = {new_nonce() for _ in range(100)}
        self.assertEqual(len(nonces), 100)
        self.assertTrue(all(nonce.isascii() and nonce.isprintable() for nonce in nonces))
        self.assertFalse(any("," in nonce or " " in nonce for nonce in nonces))
        self.assertGreaterEqual(min(map(len, nonces)), 22)

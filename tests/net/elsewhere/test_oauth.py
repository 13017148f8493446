"""Tokens of an authorization server: asked about (RFC 7662), and looked at with its keys (RFC 7519)."""

import json
import time
from base64 import b64encode
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from twisted.trial.unittest import SynchronousTestCase

from tests.net.elsewhere.site import Answer, Asked, SmallSite
from xmppd.config.elsewhere import OAuth
from xmppd.config.fields import SecretStr
from xmppd.core.elsewhere import Unavailable
from xmppd.net.elsewhere.oauth import oauth_backend

ISSUER, AUDIENCE = "https://id.example", "xmppd"
RSA_BITS = 2_048


class IntrospectionTests(SynchronousTestCase):
    """The server is asked about each token."""

    def setUp(self) -> None:
        self.claims: object = {}
        self.status = 200
        self.site = SmallSite(self, self.answer)

    def answer(self, asked: Asked) -> Answer:
        """Answer as the test wants."""
        return self.status, json.dumps(self.claims).encode()

    def whose(self, **options: object) -> str | None:
        """Ask whose a token is."""
        given = {
            "introspection_url": self.site.url,
            "client_id": "xmppd",
            "client_secret": SecretStr("s/cret"),
            "timeout_s": 2.0,
        }
        return oauth_backend(OAuth.model_validate(given | options)).whose("t0k3n")

    def test_active(self) -> None:
        """RFC 7662 2.1, 2.2: the token is posted, with our own login; an active one is its user's."""
        self.claims = {"active": True, "preferred_username": "ann", "scope": "xmpp mail"}
        self.assertEqual(self.whose(), "ann")
        (asked,) = self.site.asked
        self.assertEqual(parse_qs(asked.body.decode())["token"], ["t0k3n"])
        self.assertEqual(asked.headers["Authorization"], f"Basic {b64encode(b'xmppd:s%2Fcret').decode()}")

    def test_not_good(self) -> None:
        """One that is not active, of another, for others, or without the scope or the name."""
        good: dict[str, object] = {
            "active": True,
            "preferred_username": "ann",
            "iss": ISSUER,
            "aud": [AUDIENCE, "x"],
        }
        wanted = {"issuer": ISSUER, "audience": AUDIENCE, "scope": "xmpp"}
        self.claims = good | {"scope": "xmpp"}
        self.assertEqual(self.whose(**wanted), "ann")
        for wrong in (
            {"active": False},
            {"active": "true"},
            {"iss": "https://other.example"},
            {"aud": "others"},
            {"scope": "mail"},
            {"preferred_username": 7},
        ):
            self.claims = good | {"scope": "xmpp"} | wrong
            self.assertIsNone(self.whose(**wanted), wrong)

    def test_unavailable(self) -> None:
        """A server that is ill, or says what is no JSON."""
        self.status = 500
        self.assertRaises(Unavailable, self.whose)
        self.status, self.claims = 200, []
        self.assertIsNone(self.whose())
        self.site.stop()
        self.assertRaises(Unavailable, self.whose)


class KeyTests(SynchronousTestCase):
    """A JWT is looked at here."""

    def setUp(self) -> None:
        self.key = rsa.generate_private_key(65_537, RSA_BITS)
        self.keys = [{**json.loads(RSAAlgorithm.to_jwk(self.key.public_key())), "kid": "one", "alg": "RS256"}]
        self.site = SmallSite(self, lambda asked: (200, json.dumps({"keys": self.keys}).encode()))
        settings = OAuth(jwks_url=self.site.url, issuer=ISSUER, audience=AUDIENCE, timeout_s=2.0)
        self.backend = oauth_backend(settings)
        self.good = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "exp": int(time.time()) + 600,
            "preferred_username": "ann",
        }

    def signed(self, claims: dict[str, object], kid: str = "one") -> str:
        """Give a token."""
        return jwt.encode(claims, self.key, "RS256", {"kid": kid})

    def test_good(self) -> None:
        """Signed by the server, valid, for us; the keys are fetched once."""
        for _ in range(2):
            self.assertEqual(self.backend.whose(self.signed(dict(self.good))), "ann")
        self.assertEqual(len(self.site.asked), 1)

    def test_not_good(self) -> None:
        """RFC 8725 3: of another, for others, over, without an end, by an unknown key, unsigned, or no token at all."""
        other = rsa.generate_private_key(65_537, RSA_BITS)
        shared = jwt.encode(dict(self.good), "x" * 32, "HS256", {"kid": "one"})
        without_end = {name: value for name, value in self.good.items() if name != "exp"}
        for token in (
            self.signed(self.good | {"iss": "https://other.example"}),
            self.signed(self.good | {"aud": "others"}),
            self.signed(self.good | {"exp": int(time.time()) - 600}),
            self.signed(without_end),
            self.signed(dict(self.good), "two"),
            jwt.encode(dict(self.good), other, "RS256", {"kid": "one"}),
            jwt.encode(dict(self.good), "", "none", {"kid": "one"}),
            shared,
            "nonsense",
            "",
        ):
            self.assertIsNone(self.backend.whose(token), token)

    def test_unavailable(self) -> None:
        """Its keys cannot be fetched."""
        self.site.stop()
        self.assertRaises(Unavailable, self.backend.whose, self.signed(dict(self.good)))

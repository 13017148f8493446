"""SCRAM with channel binding over real TLS (RFC 5802 6, RFC 5929, RFC 9266), which slixmpp cannot do on TLS 1.3."""

from base64 import b64decode, b64encode
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.dialogues.socket_stage import SocketStage
from tests.stream.sasl.client import ScramClient
from xmppd.testing.client import NS_SASL, PASSWORD, Client

MECHANISM = "SCRAM-SHA-256-PLUS"
EXPORTER = b"EXPORTER-Channel-Binding"


class TLS12:
    """Makes contexts of clients that know nothing later than TLS 1.2."""

    def getContext(self) -> SSL.Context:
        """Make one."""
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        return context


class ChannelBindingTests(TestCase):
    """Servers in this process, on loopback sockets."""

    timeout = 30

    async def connected(self, *, is_direct_tls: bool, is_old: bool = False) -> tuple[Client, Any]:
        """Give a client under TLS before SASL, 1.2 if it is an old one, and its `SSL.Connection`."""
        stage = SocketStage(self, is_direct_tls=is_direct_tls)
        self.addCleanup(stage.stop)
        client = Client("romeo", "romeo@localhost/orchard")
        await stage.add_account("romeo@localhost")
        await stage.connect(client)
        carrier: Any = client.carrier
        if is_old:
            carrier.contexts = TLS12()
        features = await client.secure()
        types = {element.get("type") for element in features.iter("{urn:xmpp:sasl-cb:0}channel-binding")}
        modern = "tls-unique" if is_old else "tls-exporter"
        self.assertEqual(types, {modern, "tls-server-end-point"})  # XEP-0440
        self.assertIn(MECHANISM, [element.text for element in features.iter(f"{{{NS_SASL}}}mechanism")])
        return client, carrier.transport.getHandle()

    async def outcome(self, client: Client, scram: ScramClient) -> str:
        """Give "success", or the condition of the failure."""
        first = b64encode(scram.first()).decode()
        client.send(f"<auth xmlns='{NS_SASL}' mechanism='{MECHANISM}'>{first}</auth>")
        challenge = await client.receive()
        final = b64encode(scram.final(b64decode(challenge.text or ""))).decode()
        client.send(f"<response xmlns='{NS_SASL}'>{final}</response>")
        answer = await client.receive()
        if answer.tag == f"{{{NS_SASL}}}failure":
            return answer[0].tag.rpartition("}")[2]
        self.assertTrue(scram.verify(b64decode(answer.text or "")))
        return "success"

    def test_tls_exporter(self) -> Deferred[None]:
        """RFC 9266, behind STARTTLS and on direct TLS."""

        async def script() -> None:
            for is_direct_tls in (False, True):
                client, tls = await self.connected(is_direct_tls=is_direct_tls)
                data = tls.export_keying_material(EXPORTER, 32, b"")
                scram = ScramClient(MECHANISM, "romeo", PASSWORD, "tls-exporter", data)
                self.assertEqual(await self.outcome(client, scram), "success")

        return Deferred.fromCoroutine(script())

    def test_tls_server_end_point(self) -> Deferred[None]:
        """RFC 5929 4: the hash of the certificate that the client has seen."""

        async def script() -> None:
            client, tls = await self.connected(is_direct_tls=False)
            shown: x509.Certificate = tls.get_peer_certificate(as_cryptography=True)
            digest = hashes.Hash(hashes.SHA256())
            digest.update(shown.public_bytes(Encoding.DER))
            scram = ScramClient(MECHANISM, "romeo", PASSWORD, "tls-server-end-point", digest.finalize())
            self.assertEqual(await self.outcome(client, scram), "success")

        return Deferred.fromCoroutine(script())

    def test_tls_unique(self) -> Deferred[None]:
        """RFC 5929 3, on TLS 1.2: some clients know no other type (gloox)."""

        async def script() -> None:
            client, tls = await self.connected(is_direct_tls=False, is_old=True)
            scram = ScramClient(MECHANISM, "romeo", PASSWORD, "tls-unique", tls.get_finished())
            self.assertEqual(await self.outcome(client, scram), "success")

        return Deferred.fromCoroutine(script())

    def test_somebody_between(self) -> Deferred[None]:
        """The data of another connection, as one in the middle would have them, let nobody in."""

        async def script() -> None:
            client, _ = await self.connected(is_direct_tls=False)
            scram = ScramClient(MECHANISM, "romeo", PASSWORD, "tls-exporter", bytes(32))
            self.assertEqual(await self.outcome(client, scram), "not-authorized")

        return Deferred.fromCoroutine(script())

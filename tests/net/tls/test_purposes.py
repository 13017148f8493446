"""TLS by purpose: who is asked for a certificate, who is believed, which protocol is spoken, and what a reload does."""

from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.net.tls.authority import NOW, Authority, client, client_context, common_handshake, shake_hands
from tests.temporary import temporary_folder
from xmppd.net.tls.certificates import CertificateError, CertificateStore
from xmppd.net.tls.context import TLSSettings
from xmppd.net.tls.contexts import TLSContexts


class PurposeTestCase(SynchronousTestCase):
    """Two servers: ours serves a.example and c.example, the other one b.example; both believe the same authority."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)
        self.authority = Authority()
        self.trusted = self.folder / "authorities.pem"
        self.trusted.write_bytes(self.authority.certificate.public_bytes(Encoding.PEM))
        self.ours = self.contexts(self.authority, "a.example", "c.example")
        self.theirs = self.contexts(self.authority, "b.example")

    def contexts(self, authority: Authority, *hosts: str, trusted: Path | None = None) -> TLSContexts:
        """The TLS of a server with certificates of *authority*."""
        files = [authority.write_host(self.folder, host) for host in hosts]
        store = CertificateStore(files, lambda: NOW)
        return TLSContexts(store, None, self.trusted if trusted is None else trusted)


class ServerToServerTests(PurposeTestCase):
    """RFC 6120 13.7.2 between servers."""

    def test_each_believes_the_other(self) -> None:
        """Both show their certificates, though they were made for the role of a server alone."""
        out = self.ours.s2s_out.make_connection("c.example", "b.example")
        into = self.theirs.s2s_in.make_connection("b.example")
        common_handshake(into, out)
        self.assertTrue(out.is_peer_verified)
        self.assertTrue(into.is_peer_verified)
        shown = into.get_peer_certificate(as_cryptography=True)
        self.assertEqual(shown, self.ours.store.find("c.example").chain[0])
        self.assertEqual(out.get_alpn_proto_negotiated(), b"")

    def test_direct_tls(self) -> None:
        """XEP-0368 2: SNI names the domain that is wanted, ALPN what is spoken."""
        out = self.theirs.s2s_out.make_connection("b.example", "c.example", is_direct=True)
        into = self.ours.s2s_in.make_connection(None)
        common_handshake(into, out)
        self.assertEqual(out.get_alpn_proto_negotiated(), b"xmpp-server")
        self.assertEqual(
            out.get_peer_certificate(as_cryptography=True), self.ours.store.find("c.example").chain[0]
        )

    def test_an_unknown_authority(self) -> None:
        """The handshake goes on: dialback may do where the configuration lets it; but nobody is believed."""
        stranger = self.contexts(Authority("somebody else"), "d.example")
        out = stranger.s2s_out.make_connection("d.example", "a.example")
        into = self.ours.s2s_in.make_connection("a.example")
        common_handshake(into, out)
        self.assertFalse(into.is_peer_verified)
        out = self.ours.s2s_out.make_connection("a.example", "d.example")
        common_handshake(stranger.s2s_in.make_connection("d.example"), out)
        self.assertFalse(out.is_peer_verified)

    def test_without_a_certificate(self) -> None:
        """A peer that shows none is not believed."""
        into = self.ours.s2s_in.make_connection("a.example")
        common_handshake(into, client())
        self.assertFalse(into.is_peer_verified)

    def test_names_are_written_in_ascii(self) -> None:
        """RFC 6066 3: SNI has A-labels."""
        out = self.ours.s2s_out.make_connection("a.example", "bücher.example")
        into = self.theirs.s2s_in.make_connection(None)
        common_handshake(into, out)
        self.assertEqual(into.get_servername(), b"xn--bcher-kva.example")

    def test_twisted_takes_the_creator(self) -> None:
        """`ITLSTransport.startTLS` of Twisted's own transports works with it."""
        creator = self.ours.s2s_out.creator_for("a.example", "b.example")
        verifyObject(IOpenSSLClientConnectionCreator, creator)
        out = creator.clientConnectionForTLS(None)
        common_handshake(self.theirs.s2s_in.make_connection("b.example"), out)
        self.assertTrue(out.is_peer_verified)

    def test_authorities_that_are_none(self) -> None:
        """One line."""
        nothing = self.folder / "nothing.pem"
        nothing.write_text("nothing")
        contexts = self.contexts(self.authority, "a.example", trusted=nothing)
        error = self.assertRaises(CertificateError, lambda: contexts.s2s_in)
        self.assertIn("nothing.pem", str(error))

    def test_authorities_of_this_system(self) -> None:
        """Without a file of their own; ours is not among them."""
        store = CertificateStore([self.authority.write_host(self.folder, "a.example")], lambda: NOW)
        into = TLSContexts(store).s2s_in.make_connection("a.example")
        common_handshake(into, self.theirs.s2s_out.make_connection("b.example", "a.example"))
        self.assertFalse(into.is_peer_verified)


class SeparationTests(PurposeTestCase):
    """Nothing of one purpose holds for another."""

    def test_authorities_vouch_for_no_client(self) -> None:
        """Clients are judged by the issuers that their host names alone: here by none, so none is asked."""
        into = self.ours.c2s.make_connection("a.example")
        common_handshake(into, self.theirs.s2s_out.make_connection("b.example", "a.example"))
        self.assertFalse(into.is_peer_verified)
        self.assertIsNone(into.get_peer_certificate())

    def test_alpn(self) -> None:
        """Each port insists on its own protocol where the peer offers some (RFC 7301 3.2)."""
        spoken = {
            tls.purpose.name: protocol
            for tls, protocol in (
                (self.ours.c2s, b"xmpp-client"),
                (self.ours.s2s_in, b"xmpp-server"),
                (self.ours.http, b"http/1.1"),
            )
            if common_handshake(
                tls.make_connection(None), client(alpn=[b"h2", protocol])
            ).get_alpn_proto_negotiated()
            == protocol
        }
        self.assertEqual(set(spoken), {"c2s", "s2s in", "http"})
        wrong = client(alpn=[b"xmpp-client"])
        self.assertRaises(SSL.Error, shake_hands, self.ours.http.make_connection(None), wrong)

    def test_a_session_of_another_purpose(self) -> None:
        """A ticket of one kind of port is nothing to another."""
        context = client_context()
        first = client(context, server_name="a.example")
        session = common_handshake(self.ours.c2s.make_connection(None), first).get_session()
        again = client(context, server_name="a.example", session=session)
        common_handshake(self.ours.http.make_connection(None), again)
        self.assertFalse(SSL._lib.SSL_session_reused(again._ssl))  # type: ignore[attr-defined]  # no public name


class ReloadTests(PurposeTestCase):
    """`TLSContexts.reload`."""

    def test_every_purpose_takes_a_new_certificate(self) -> None:
        """Those in use and those not used yet."""
        before = self.ours.store.find("a.example")
        used = (self.ours.c2s, self.ours.s2s_in)
        self.ours.s2s_out.make_connection("a.example", "b.example")
        self.authority.write_host(self.folder, "a.example")
        self.assertEqual(self.ours.reload(), [])
        after = self.ours.store.find("a.example")
        self.assertIsNot(after, before)
        for tls in (*used, self.ours.http):
            self.assertIs(tls.make_connection("a.example").certificate, after)
        self.assertIs(self.ours.s2s_out.make_connection("a.example", "b.example").certificate, after)
        self.assertIs(
            self.ours.s2s_out.make_connection("c.example", "b.example").certificate,
            self.ours.store.find("c.example"),
        )

    def test_settings(self) -> None:
        """The oldest version holds for connections that go out, too."""
        old = client_context(max_version=SSL.TLS1_2_VERSION)
        self.assertEqual(self.ours.reload(settings={"a.example": TLSSettings("1.3")}), [])
        into = self.ours.s2s_in.make_connection("a.example")
        self.assertRaises(SSL.Error, shake_hands, into, client(old))
        self.assertEqual(self.theirs.reload(settings={"b.example": TLSSettings("1.3")}), [])
        out = self.theirs.s2s_out.make_connection("b.example", "c.example")
        common_handshake(self.ours.s2s_in.make_connection("c.example"), out)
        self.assertEqual(out.get_protocol_version_name(), "TLSv1.3")

    def test_what_is_wrong_is_said_once(self) -> None:
        """However many purposes it concerns."""
        self.assertIsNotNone(self.ours.s2s_in)
        findings = self.ours.reload(settings={"a.example": TLSSettings("1.3", "SLIP")})
        self.assertEqual(len(findings), 1)

"""Handshakes over memory buffers: which host, which version, which protocol, and what binds a channel."""

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from zope.interface.verify import verifyObject

from tests.net.tls.authority import carry, client, client_context, common_handshake, shake_hands
from tests.net.tls.shaking import TLSTestCase, is_resumed
from xmppd.net.tls.certificates import CertificateError
from xmppd.net.tls.context import TLSSettings
from xmppd.net.tls.incoming import ServerTLS
from xmppd.net.tls.peers import channel_bindings
from xmppd.net.transport.tls_socket import HAS_HANDSHAKE_CALLS


class ChoiceTests(TLSTestCase):
    """Which certificate is shown."""

    def test_direct_tls_goes_by_sni(self) -> None:
        """RFC 6066 3: the name in the client's hello decides; the first host is the default."""
        found = {
            name: self.shown_to(client(server_name=name))
            for name in ("a.example", "b.example", "x.b.example")
        }
        self.assertEqual(
            found, {"a.example": "a.example", "b.example": "b.example", "x.b.example": "b.example"}
        )
        self.assertEqual(self.shown_to(client()), "a.example")
        self.assertEqual(self.shown_to(client(server_name="elsewhere.example")), "a.example")

    def test_starttls_goes_by_the_header_whatever_sni_says(self) -> None:
        """RFC 6120 5.4.3.1: the stream header has named the host already."""
        self.assertEqual(self.shown_to(client(), "b.example"), "b.example")
        self.assertEqual(self.shown_to(client(server_name="a.example"), "b.example"), "b.example")

    def test_whole_chain_is_sent(self) -> None:
        """Clients that trust the issuer only need what lies between."""
        peer = common_handshake(self.tls.make_connection("a.example"), client())
        self.assertEqual(len(peer.get_peer_cert_chain(as_cryptography=True) or ()), 2)


class ProtocolTests(TLSTestCase):
    """Versions, renegotiation, ALPN."""

    def test_tls_1_3_by_preference_and_1_2_at_least(self) -> None:
        """RFC 8996: TLS 1.1 is refused."""
        server = self.tls.make_connection("a.example")
        common_handshake(server, client())
        self.assertEqual(server.get_protocol_version_name(), "TLSv1.3")
        server = self.tls.make_connection("a.example")
        common_handshake(server, client(client_context(max_version=SSL.TLS1_2_VERSION)))
        self.assertEqual(server.get_protocol_version_name(), "TLSv1.2")
        old = client_context(max_version=SSL.TLS1_1_VERSION)
        old.set_cipher_list(b"ALL:@SECLEVEL=0")
        self.assertRaises(SSL.Error, shake_hands, self.tls.make_connection("a.example"), client(old))

    def test_each_host_has_its_own_oldest_version(self) -> None:
        """A host with min_version 1.3 refuses 1.2, by header and by SNI, and its neighbour does not."""
        tls = ServerTLS(self.store, {"b.example": TLSSettings("1.3")})

        def outcome(host: str | None, name: str) -> str:
            server = tls.make_connection(host)
            try:
                common_handshake(
                    server, client(client_context(max_version=SSL.TLS1_2_VERSION), server_name=name)
                )
            except SSL.Error:
                return "refused"
            return "accepted"

        self.assertEqual(outcome(None, "a.example"), "accepted")
        self.assertEqual(outcome("a.example", "a.example"), "accepted")
        self.assertEqual(outcome(None, "b.example"), "refused")
        self.assertEqual(outcome("b.example", "b.example"), "refused")
        common_handshake(tls.make_connection(None), client(server_name="b.example"))

    def test_renegotiation_is_refused(self) -> None:
        """RFC 6120 13.8 leaves it open, and it only ever did harm: the client is told no_renegotiation."""
        server = self.tls.make_connection("a.example")
        peer = common_handshake(server, client(client_context(max_version=SSL.TLS1_2_VERSION)))
        self.assertTrue(peer.renegotiate())
        self.assertRaises(SSL.WantReadError, peer.do_handshake)
        carry(peer, server)
        self.assertRaises(SSL.WantReadError, server.recv, 1)
        carry(server, peer)
        error = self.assertRaises(SSL.Error, peer.do_handshake)
        self.assertIn("no renegotiation", str(error))

    def test_alpn_xmpp_client(self) -> None:
        """XEP-0368 2: xmpp-client is chosen wherever it is offered."""
        peer = common_handshake(self.tls.make_connection(None), client(alpn=[b"h2", b"xmpp-client"]))
        self.assertEqual(peer.get_alpn_proto_negotiated(), b"xmpp-client")

    def test_alpn_without_xmpp_client_is_refused(self) -> None:
        """RFC 7301 3.2: nothing in common ends the handshake with no_application_protocol."""
        server = self.tls.make_connection(None)
        peer = client(alpn=[b"h2"], server_name="b.example")
        self.assertRaises(SSL.WantReadError, peer.do_handshake)
        carry(peer, server)
        error = self.assertRaises(SSL.Error, server.do_handshake)
        self.assertIn("no application protocol", str(error))
        carry(server, peer)
        error = self.assertRaises(SSL.Error, peer.do_handshake)
        self.assertIn("alert no application protocol", str(error))

    def test_alpn_is_optional(self) -> None:
        """A client that offers nothing is served; so is one that offers something odd behind STARTTLS."""
        common_handshake(self.tls.make_connection(None), client())
        peer = common_handshake(self.tls.make_connection("a.example"), client(alpn=[b"h2"]))
        self.assertEqual(peer.get_alpn_proto_negotiated(), b"")

    def test_resumes_by_ticket(self) -> None:
        """A returning client is spared the full handshake, on direct TLS and after STARTTLS, by either version."""
        for version in (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION):
            for host in (None, "b.example"):
                context = client_context(max_version=version)
                first = client(context, server_name="b.example")
                session = common_handshake(self.tls.make_connection(host), first).get_session()
                again = client(context, server_name="b.example", session=session)
                server = self.tls.make_connection(host)
                common_handshake(server, again)
                self.assertTrue(is_resumed(again), (version, host))
                self.assertIn("tls-server-end-point", channel_bindings(server))

    def test_a_session_of_another_host(self) -> None:
        """A ticket of one host is nothing to another's STARTTLS; direct TLS, where OpenSSL looks at tickets before SNI,
        leaves the judgement to the client, which still sees whose certificate it was (RFC 8446 4.6.1)."""
        for version in (SSL.TLS1_2_VERSION, SSL.TLS1_3_VERSION):
            for hosts in (("a.example", "b.example"), (None, "b.example"), ("a.example", None), (None, None)):
                context = client_context(max_version=version)
                first = client(context, server_name="a.example")
                session = common_handshake(self.tls.make_connection(hosts[0]), first).get_session()
                server = self.tls.make_connection(hosts[1])
                again = common_handshake(server, client(context, server_name="b.example", session=session))
                self.assertEqual(is_resumed(again), hosts == (None, None))
                self.assertEqual(self.host_of(again), "a.example" if is_resumed(again) else "b.example")

    def test_twisted_takes_the_creator(self) -> None:
        """`ITLSTransport.startTLS` of Twisted's own transports works with it."""
        creator = self.tls.creator_for("b.example")
        verifyObject(IOpenSSLServerConnectionCreator, creator)
        peer = common_handshake(creator.serverConnectionForTLS(None), client())
        self.assertEqual(self.host_of(peer), "b.example")

    def test_ciphers_that_do_not_exist(self) -> None:
        """A cipher list that OpenSSL does not know is one line."""
        error = self.assertRaises(
            CertificateError, ServerTLS, self.store, {"a.example": TLSSettings("1.2", "GOOD")}
        )
        self.assertIn("OpenSSL knows no cipher of 'GOOD'", str(error))


NO_EXTENDED_MASTER_SECRET = 1 << 0  # SSL_OP_NO_EXTENDED_MASTER_SECRET, which pyOpenSSL does not name


class ChannelBindingTests(TLSTestCase):
    """RFC 5929 and RFC 9266."""

    def test_exporter_is_equal_on_both_sides(self) -> None:
        """RFC 9266 4.1: label EXPORTER-Channel-Binding, empty context, 32 bytes."""
        server = self.tls.make_connection(None)
        peer = common_handshake(server, client(server_name="b.example"))
        theirs = peer.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
        self.assertEqual(channel_bindings(server)["tls-exporter"], theirs)

    def test_unique_before_tls_1_3(self) -> None:
        """RFC 5929 3: the client's Finished message, on TLS 1.2; there is none of use on TLS 1.3 (RFC 9266 1)."""
        server = self.tls.make_connection(None)
        peer = common_handshake(server, client(client_context(max_version=SSL.TLS1_2_VERSION)))
        self.assertEqual(list(channel_bindings(server)), ["tls-unique", "tls-server-end-point"])
        self.assertEqual(channel_bindings(server)["tls-unique"], peer.get_finished())
        self.assertEqual(len(peer.get_finished() or b""), 12)

    def test_no_unique_of_a_resumed_connection(self) -> None:
        """RFC 7627 1: its Finished messages may be those of another connection."""
        context = client_context(max_version=SSL.TLS1_2_VERSION)
        first = client(context, server_name="b.example")
        session = common_handshake(self.tls.make_connection(None), first).get_session()
        server, again = (
            self.tls.make_connection(None),
            client(context, server_name="b.example", session=session),
        )
        common_handshake(server, again)
        self.assertTrue(is_resumed(again))
        self.assertEqual(list(channel_bindings(server)), ["tls-server-end-point"])

    def test_no_unique_without_the_extended_master_secret(self) -> None:
        """RFC 7627 1: somebody between may have made two connections with the same one."""
        context = client_context(max_version=SSL.TLS1_2_VERSION)
        context.set_options(NO_EXTENDED_MASTER_SECRET)
        server = self.tls.make_connection(None)
        common_handshake(server, client(context))
        self.assertEqual(list(channel_bindings(server)), ["tls-server-end-point"])

    def test_openssl_can_be_asked(self) -> None:
        """Where a library lacks these private names, tls-unique is not offered, and old clients cannot log in."""
        self.assertTrue(HAS_HANDSHAKE_CALLS, "OpenSSL cannot be asked for SSL_session_reused any more")

    def test_end_point_is_of_the_certificate_that_was_shown(self) -> None:
        """RFC 5929 4.1, and still so when the certificate has been replaced since."""
        server = self.tls.make_connection(None)
        common_handshake(server, client(server_name="b.example"))
        shown = self.store.find("b.example").end_point
        self.authority.write_host(self.folder, "b.example")
        self.assertEqual(self.tls.reload(), [])
        self.assertNotEqual(self.store.find("b.example").end_point, shown)
        self.assertEqual(channel_bindings(server)["tls-server-end-point"], shown)


class ReloadTests(TLSTestCase):
    """New certificates without a restart."""

    def test_new_certificate_for_new_connections_only(self) -> None:
        """An established connection goes on; the next one sees the new certificate."""
        server = self.tls.make_connection(None)
        peer = common_handshake(server, client(server_name="b.example"))
        old = peer.get_peer_certificate(as_cryptography=True)
        self.authority.write_host(self.folder, "b.example")
        self.assertEqual(self.tls.reload(), [])
        peer.send(b"still here")
        carry(peer, server)
        self.assertEqual(server.recv(20), b"still here")
        new = common_handshake(self.tls.make_connection(None), client(server_name="b.example"))
        self.assertNotEqual(new.get_peer_certificate(as_cryptography=True), old)

    def test_tickets_outlive_a_reload_that_changes_nothing_of_theirs(self) -> None:
        """Contexts are made anew for changed files only."""
        context = client_context()
        first = common_handshake(self.tls.make_connection("b.example"), client(context))
        self.authority.write_host(self.folder, "a.example")
        self.assertEqual(self.tls.reload(), [])
        again = common_handshake(
            self.tls.make_connection("b.example"), client(context, session=first.get_session())
        )
        self.assertTrue(is_resumed(again))

    def test_broken_file_is_reported_and_the_old_certificate_stays(self) -> None:
        """Half a renewal does not take a host offline."""
        self.b.certificate.write_text("half a file")
        [finding] = self.tls.reload()
        self.assertIn(
            "the certificate of b.example stays as it was: there is no certificate in PEM form in it",
            str(finding),
        )
        self.assertEqual(self.shown_to(client(server_name="b.example")), "b.example")

    def test_default_changes_with_the_configuration(self) -> None:
        """Hosts and settings may be other ones; who comes without SNI sees the new default."""
        self.assertEqual(self.tls.reload([self.b], {"b.example": TLSSettings("1.3")}), [])
        self.assertEqual(self.shown_to(client()), "b.example")
        old = client(client_context(max_version=SSL.TLS1_2_VERSION))
        self.assertRaises(SSL.Error, shake_hands, self.tls.make_connection(None), old)

    def test_settings_that_openssl_refuses_leave_the_old_context(self) -> None:
        """A cipher list with a slip of the pen is reported; clients still come in."""
        [finding] = self.tls.reload(settings={"b.example": TLSSettings("1.2", "SLIP")})
        self.assertIn("SLIP", str(finding))
        self.assertEqual(self.shown_to(client(server_name="b.example")), "b.example")

    def test_settings_that_openssl_refuses_of_the_first_host(self) -> None:
        """Those of the host that clients without SNI get: it keeps what it had, and a later reload mends it."""
        first = next(iter(self.tls.store.by_host()))
        [finding] = self.tls.reload(settings={first: TLSSettings("1.3", "SLIP")})
        self.assertIn("SLIP", str(finding))
        self.assertEqual(self.shown_to(client()), first)
        old = client(client_context(max_version=SSL.TLS1_2_VERSION))
        shake_hands(self.tls.make_connection(None), old)
        self.assertEqual(self.tls.reload(settings={first: TLSSettings("1.3")}), [])

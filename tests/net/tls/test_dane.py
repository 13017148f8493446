"""What TLSA records make of a certificate, over TLS as it is: RFC 6698 2.1, RFC 7671 5, RFC 7673 4."""

from cryptography import x509
from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from tests.certificates import dns, pem_of
from tests.net.tls.authority import NOW, Authority, client, common_handshake
from tests.net.tls.pins import FULL, SHA256, SHA512, pin
from tests.net.tls.test_believed import Handle
from tests.temporary import temporary_folder
from xmppd.config.s2s import S2s
from xmppd.core.outgoing import Pin
from xmppd.net.tls.certificates import CertificateStore, HostFiles
from xmppd.net.tls.contexts import TLSContexts
from xmppd.net.tls.dane import CERTIFICATE, DANE_EE, DANE_TA, KEY, PKIX_EE, PKIX_TA, Pinned, usable
from xmppd.net.tls.servers import ServersTLS

OURS, THEIRS, TARGET = "a.example", "b.example", "xmpp.b.example"


class DaneTests(SynchronousTestCase):
    """Our server and another one, of which DNS says what its certificate is, whichever of them has begun."""

    def setUp(self) -> None:
        """One authority is believed by the configuration, one by nobody."""
        self.folder = temporary_folder(self)
        self.believed, self.private = Authority("believed"), Authority("private")
        ca = self.folder / "ca.pem"
        ca.write_bytes(pem_of(self.believed.certificate))
        self.settings = S2s(ca=ca)
        self.ours = self.server(self.believed.write_host(self.folder, OURS, is_both=True))

    def server(self, files: HostFiles) -> ServersTLS:
        """Give the TLS of a server with this certificate."""
        contexts = TLSContexts(CertificateStore([files], lambda: NOW), None, None)
        return ServersTLS(contexts, lambda: self.settings)

    def judged(
        self, authority: Authority, *pins: Pin, names: tuple[str, ...] = (THEIRS,), days: int = 90
    ) -> bool:
        """Give whether ours takes a certificate of *authority* for *names*."""
        return self.judged_chain(
            authority.issue(dns(*names), days=days), *pins, chain=(authority.certificate,)
        )

    def judged_chain(
        self, issued: tuple[x509.Certificate, object], *pins: Pin, chain: tuple[x509.Certificate, ...] = ()
    ) -> bool:
        """The same for this certificate and those that it is shown with; who is dialled thinks as who has dialled."""
        certificate, key = issued
        files = HostFiles(THEIRS, self.folder / "their.crt", self.folder / "their.key")
        files.certificate.write_bytes(b"".join(map(pem_of, (certificate, *chain))))
        files.key.write_bytes(pem_of(key))  # type: ignore[arg-type]  # as it was issued
        pinned = Pinned(THEIRS, TARGET, pins)
        theirs = self.server(files)
        out = self.ours.creator_out(OURS, THEIRS, is_direct=False, pinned=pinned).clientConnectionForTLS(None)  # type: ignore[attr-defined]
        common_handshake(theirs.creator_in(THEIRS, OURS).serverConnectionForTLS(None), out)
        into = self.ours.creator_in(OURS, THEIRS).serverConnectionForTLS(None)
        common_handshake(into, theirs.creator_out(THEIRS, OURS, is_direct=False).clientConnectionForTLS(None))  # type: ignore[attr-defined]
        self.out: SSL.Connection = out
        found = self.ours.covers(Handle(out), THEIRS)
        self.assertEqual(self.ours.is_as_pinned(Handle(into), pinned), found)
        return found

    def test_the_certificate_itself(self) -> None:
        """3: by nobody's word but that of the record, in all forms, whatever it names and however old it is."""
        issued = self.private.issue(dns("elsewhere.example"), days=-1)
        for selector in (CERTIFICATE, KEY):
            for matching in (FULL, SHA256, SHA512):
                self.assertTrue(self.judged_chain(issued, pin(DANE_EE, selector, matching, issued[0])))

    def test_another_certificate(self) -> None:
        """An authority's word does not help where a record says something else."""
        other, _ = self.believed.issue(dns(THEIRS))
        for usage in (PKIX_EE, DANE_EE):
            self.assertFalse(self.judged(self.believed, pin(usage, KEY, SHA256, other)))

    def test_one_of_several(self) -> None:
        """Any record will do (RFC 6698 4.1): so keys are changed."""
        issued = self.private.issue(dns(THEIRS))
        old, _ = self.private.issue(dns(THEIRS))
        pins = [pin(DANE_EE, KEY, SHA256, each) for each in (old, issued[0])]
        self.assertTrue(self.judged_chain(issued, *pins))

    def test_who_has_issued_it(self) -> None:
        """2: in all forms; and by an authority between, of which the record names the upper one."""
        root = self.private
        for selector in (CERTIFICATE, KEY):
            for matching in (FULL, SHA256, SHA512):
                self.assertTrue(self.judged(root, pin(DANE_TA, selector, matching, root.certificate)))
        between = Authority("between", root)
        chain = (between.certificate, root.certificate)
        issued = between.issue(dns(THEIRS))
        for anchor in chain:
            self.assertTrue(self.judged_chain(issued, pin(DANE_TA, KEY, SHA256, anchor), chain=chain))

    def test_an_issuer_that_is_not_shown(self) -> None:
        """Out of the record, where that holds all of it (RFC 7671 5.2.2); by a hash nobody knows it."""
        issued, anchor = self.private.issue(dns(THEIRS)), self.private.certificate
        self.assertTrue(self.judged_chain(issued, pin(DANE_TA, CERTIFICATE, FULL, anchor)))
        self.assertFalse(self.judged_chain(issued, pin(DANE_TA, CERTIFICATE, SHA256, anchor)))
        self.assertFalse(self.judged_chain(issued, Pin(DANE_TA, CERTIFICATE, FULL, b"no certificate")))

    def test_an_issuer_that_is_shown_and_has_not_issued_it(self) -> None:
        """Its certificate is everybody's: to show it proves nothing."""
        issued = self.private.issue(dns(THEIRS))
        anchor = self.believed.certificate
        self.assertFalse(self.judged_chain(issued, pin(DANE_TA, KEY, SHA256, anchor), chain=(anchor,)))
        self.assertFalse(self.judged_chain(issued, pin(DANE_TA, CERTIFICATE, FULL, anchor), chain=(anchor,)))

    def test_the_right_one_beside_it(self) -> None:
        """RFC 7671 5.1: what counts is the certificate whose key was used; others can be shown by anybody."""
        right, _ = self.private.issue(dns(THEIRS))
        mine = self.private.issue(dns(THEIRS))
        for selector in (CERTIFICATE, KEY):
            self.assertFalse(self.judged_chain(mine, pin(DANE_EE, selector, SHA256, right), chain=(right,)))

    def test_nothing_shown(self) -> None:
        """Who comes in without a certificate is nobody."""
        out = client()
        into = self.ours.creator_in(OURS, THEIRS).serverConnectionForTLS(None)
        common_handshake(into, out)
        pinned = Pinned(THEIRS, TARGET, (pin(DANE_EE, KEY, SHA256, self.private.certificate),))
        self.assertFalse(self.ours.is_as_pinned(Handle(into), pinned))

    def test_names_and_dates_of_an_issuers(self) -> None:
        """2: the domain, or the target of its SRV record (RFC 7673 4.1), and it is in date."""
        anchor = pin(DANE_TA, KEY, SHA256, self.private.certificate)
        self.assertTrue(self.judged(self.private, anchor, names=(TARGET,)))
        self.assertFalse(self.judged(self.private, anchor, names=("elsewhere.example",)))
        self.assertFalse(self.judged(self.private, anchor, days=-1))

    def test_besides_authorities(self) -> None:
        """0 and 1: what the configuration believes is needed as well."""
        for authority, expected in ((self.believed, True), (self.private, False)):
            issued = authority.issue(dns(THEIRS))
            chain = (authority.certificate,)
            for usage, certificate in ((PKIX_EE, issued[0]), (PKIX_TA, authority.certificate)):
                one = pin(usage, KEY, SHA256, certificate)
                self.assertEqual(self.judged_chain(issued, one, chain=chain), expected)
        wrong = pin(PKIX_TA, KEY, SHA256, self.private.certificate)
        self.assertFalse(self.judged(self.believed, wrong))

    def test_besides_authorities_in_date_and_for_the_domain(self) -> None:
        """0 and 1 (RFC 7671 5.3, 5.4): the names and dates count that those of a record stand in for with 3."""
        for names, days in (((TARGET,), 90), ((THEIRS,), -1)):
            issued = self.believed.issue(dns(*names), days=days)
            chain = (self.believed.certificate,)
            for usage, certificate in ((PKIX_EE, issued[0]), (PKIX_TA, self.believed.certificate)):
                self.assertFalse(self.judged_chain(issued, pin(usage, KEY, SHA256, certificate), chain=chain))
            self.assertTrue(self.judged_chain(issued, pin(DANE_EE, KEY, SHA256, issued[0]), chain=chain))

    def test_another_domain(self) -> None:
        """The records are those of one domain; for others it is as it is without."""
        issued = self.private.issue(dns(THEIRS, "c.example"))
        self.assertTrue(self.judged_chain(issued, pin(DANE_EE, KEY, SHA256, issued[0])))
        self.assertFalse(self.ours.covers(Handle(self.out), "c.example"))
        shown = self.ours.shown(Handle(self.out))
        assert shown is not None
        self.assertTrue(shown.is_trusted)

    def test_what_nobody_can_be_held_to(self) -> None:
        """RFC 6698 4.1: numbers that there are not, and hashes of a wrong length."""
        good = Pin(DANE_EE, KEY, SHA256, bytes(32))
        bad = [
            Pin(4, KEY, SHA256, bytes(32)),
            Pin(DANE_EE, 2, SHA256, bytes(32)),
            Pin(DANE_EE, KEY, 3, bytes(32)),
            Pin(DANE_EE, KEY, SHA256, bytes(31)),
            Pin(DANE_EE, KEY, SHA512, bytes(32)),
            Pin(DANE_EE, KEY, FULL, b""),
        ]
        self.assertEqual(usable([*bad, good]), (good,))

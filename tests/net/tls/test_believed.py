"""Which certificates of servers are believed, over TLS as it is: RFC 5280 6.1, RFC 9525, and who certifies whom."""

from datetime import timedelta
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from tests.certificates import certify, common_name, dns, make_key, names_of, pem_of, srv_name, xmpp_addr
from tests.net.tls.authority import BEGAN, NOW, Authority, common_handshake
from tests.net.tls.pins import SHA256, pin
from tests.temporary import temporary_folder
from xmppd.config.s2s import S2s, S2sDomain
from xmppd.net.tls.certificates import CertificateStore, HostFiles
from xmppd.net.tls.contexts import TLSContexts
from xmppd.net.tls.dane import KEY, PKIX_EE, Pinned
from xmppd.net.tls.servers import ServersTLS

OURS, THEIRS = "a.example", "b.example"


class Handle:
    """A transport, as far as it is asked."""

    def __init__(self, connection: SSL.Connection):
        self._connection = connection

    def getHandle(self) -> SSL.Connection:
        """Give the connection."""
        return self._connection


class BelievedTests(SynchronousTestCase):
    """Our server, and what it thinks of the other one, whichever of them has begun the connection."""

    def setUp(self) -> None:
        """Two authorities; ours believes the first, unless it is told otherwise for a domain."""
        self.folder = temporary_folder(self)
        self.authority, self.other = Authority("believed"), Authority("not believed")
        self.ca, self.other_ca = self.folder / "ca.pem", self.folder / "other.pem"
        self.ca.write_bytes(pem_of(self.authority.certificate))
        self.other_ca.write_bytes(pem_of(self.other.certificate))
        self.settings = S2s(ca=self.ca)

    def server(self, files: HostFiles, settings: S2s | None = None) -> ServersTLS:
        """Give the TLS of a server with this certificate."""
        ca = None if settings is None else cast(Path, settings.ca)
        contexts = TLSContexts(CertificateStore([files], lambda: NOW), None, ca)
        return ServersTLS(contexts, lambda: settings or S2s())

    def judged(self, files: HostFiles, domain: str = THEIRS) -> tuple[bool, bool]:
        """Give whether ours takes who shows these files for *domain*: where it has dialled, where it was dialled."""
        ours = self.server(self.authority.write_host(self.folder, OURS, is_both=True), self.settings)
        theirs = self.server(files)
        found = []
        for one, other, is_ours_first in ((ours, theirs, True), (theirs, ours, False)):
            names = (OURS, domain) if is_ours_first else (domain, OURS)
            out = one.creator_out(*names, is_direct=False).clientConnectionForTLS(None)  # type: ignore[attr-defined]
            into = other.creator_in(names[1], names[0]).serverConnectionForTLS(None)
            common_handshake(into, out)
            found.append(ours.covers(Handle(out if is_ours_first else into), domain))
        return found[0], found[1]

    def assertBelieved(self, files: HostFiles, expected: bool, domain: str = THEIRS) -> None:
        """In both directions."""
        self.assertEqual(self.judged(files, domain), (expected, expected))

    def write(self, certificate: object, key: object, *chain: object) -> HostFiles:
        """Write the files of the other server."""
        files = HostFiles(THEIRS, self.folder / "their.crt", self.folder / "their.key")
        files.certificate.write_bytes(b"".join(map(pem_of, (certificate, *chain))))  # type: ignore[arg-type]
        files.key.write_bytes(pem_of(key))  # type: ignore[arg-type]
        return files

    def test_a_good_one(self) -> None:
        """For both roles, or for that of a server alone, as authorities give them now."""
        self.assertBelieved(self.authority.write_host(self.folder, THEIRS, is_both=True), True)
        self.assertBelieved(self.authority.write_host(self.folder, THEIRS), True)

    def test_an_authority_between(self) -> None:
        """The chain that it shows leads to who is believed."""
        between = Authority("between", self.authority)
        self.assertBelieved(self.write(*between.issue(dns(THEIRS)), between.certificate), True)
        self.assertBelieved(self.write(*between.issue(dns(THEIRS))), False)

    def test_dates(self) -> None:
        """One that has ended, one that has not begun, and one whose authority's own has ended."""
        self.assertBelieved(self.authority.write_host(self.folder, THEIRS, days=-1), False)
        key = make_key()
        early = certify(
            key,
            common_name("somebody"),
            NOW + timedelta(days=1),
            NOW + timedelta(days=90),
            by=(self.authority.name, self.authority.key),
            extensions=[names_of(dns(THEIRS))],
        )
        self.assertBelieved(self.write(early, key), False)
        ended = Authority("ended", self.authority, days=-1)
        self.assertBelieved(self.write(*ended.issue(dns(THEIRS)), ended.certificate), False)

    def test_self_signed(self) -> None:
        """Nobody vouches for it."""
        key = make_key()
        own = certify(
            key, common_name(THEIRS), BEGAN, NOW + timedelta(days=9), extensions=[names_of(dns(THEIRS))]
        )
        self.assertBelieved(self.write(own, key), False)

    def test_of_somebody_who_is_no_authority(self) -> None:
        """A good certificate does not make its owner one (RFC 5280 4.2.1.9)."""
        leaf, key = self.authority.issue(dns("c.example"))
        own_key = make_key()
        forged = certify(
            own_key,
            common_name("somebody else"),
            BEGAN,
            NOW + timedelta(days=9),
            by=(leaf.subject, key),
            extensions=[names_of(dns(THEIRS))],
        )
        self.assertBelieved(self.write(forged, own_key, leaf), False)

    def test_of_another_authority(self) -> None:
        """Not believed; where the configuration names it for this domain it is, and who else is believed is not."""
        files = self.other.write_host(self.folder, THEIRS)
        self.assertBelieved(files, False)
        self.settings = S2s(ca=self.ca, domains={THEIRS: S2sDomain(ca=self.other_ca)})
        self.assertBelieved(files, True)
        self.assertBelieved(self.authority.write_host(self.folder, THEIRS), False)

    def test_an_authority_of_another_domain(self) -> None:
        """Whom the configuration names for one domain certifies no other, though the connection began for that one."""
        self.settings = S2s(ca=self.ca, domains={"c.example": S2sDomain(ca=self.other_ca)})
        ours = self.server(self.authority.write_host(self.folder, OURS, is_both=True), self.settings)
        certificate, key = self.other.issue(dns(THEIRS, "c.example"))
        theirs = self.server(self.write(certificate, key, self.other.certificate))
        out = theirs.creator_out(THEIRS, OURS, is_direct=False).clientConnectionForTLS(None)  # type: ignore[attr-defined]
        into = ours.creator_in(OURS, "c.example").serverConnectionForTLS(None)
        common_handshake(into, out)
        self.assertTrue(ours.covers(Handle(into), "c.example"))
        self.assertFalse(ours.covers(Handle(into), THEIRS))
        pinned = Pinned(THEIRS, THEIRS, (pin(PKIX_EE, KEY, SHA256, certificate),))
        self.assertFalse(ours.is_as_pinned(Handle(into), pinned))

    def test_direct_tls_of_a_domain_with_an_authority_of_its_own(self) -> None:
        """Nobody knows yet whose connection it is: then those that are believed in general are nobody for it."""
        self.settings = S2s(ca=self.ca, domains={THEIRS: S2sDomain(ca=self.other_ca)})
        ours = self.server(self.authority.write_host(self.folder, OURS, is_both=True), self.settings)
        theirs = self.server(self.authority.write_host(self.folder, THEIRS))
        out = theirs.creator_out(THEIRS, OURS, is_direct=True).clientConnectionForTLS(None)  # type: ignore[attr-defined]
        into = ours.creator_in(None, None).serverConnectionForTLS(None)
        common_handshake(into, out)
        self.assertFalse(ours.covers(Handle(into), THEIRS))

    def test_names(self) -> None:
        """DNS-ID, SRV-ID, xmppAddr and wildcards count, and nothing but the name that is asked for."""
        for names, domain, expected in (
            (dns("c.example"), THEIRS, False),
            (dns(f"*.{THEIRS}"), f"rooms.{THEIRS}", True),
            (dns(f"*.{THEIRS}"), THEIRS, False),
            ([srv_name(f"_xmpp-server.{THEIRS}")], THEIRS, True),
            ([srv_name(f"_xmpp-client.{THEIRS}")], THEIRS, False),
            ([xmpp_addr(THEIRS)], THEIRS, True),
            ([xmpp_addr(f"juliet@{THEIRS}")], THEIRS, False),
        ):
            files = self.write(*self.authority.issue(names))
            self.assertBelieved(files, expected, domain)

    def test_a_common_name(self) -> None:
        """RFC 9525 2: it is nobody's name."""
        key = make_key()
        by = (self.authority.name, self.authority.key)
        named = certify(key, common_name(THEIRS), BEGAN, NOW + timedelta(days=9), by=by)
        self.assertBelieved(self.write(named, key), False)

    def test_for_another_purpose(self) -> None:
        """RFC 5280 4.2.1.12: one for signing code is none; either role in TLS does for both (XEP-0178 3)."""
        by = (self.authority.name, self.authority.key)
        for usage, expected in (
            (ExtendedKeyUsageOID.CODE_SIGNING, False),
            (ExtendedKeyUsageOID.SERVER_AUTH, True),
            (ExtendedKeyUsageOID.CLIENT_AUTH, True),
        ):
            key = make_key()
            extensions = [names_of(dns(THEIRS)), (x509.ExtendedKeyUsage([usage]), False)]
            ends = NOW + timedelta(days=9)
            made = certify(key, common_name("somebody"), BEGAN, ends, by=by, extensions=extensions)
            self.assertBelieved(self.write(made, key), expected)

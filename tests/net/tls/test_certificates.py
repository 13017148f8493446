"""Certificates are read, made, found by name and read again."""

import os
import stat
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from twisted.trial.unittest import SynchronousTestCase

from tests.certificates import pem_of
from tests.net.tls.authority import NOW, Authority
from tests.net.tls.shaking import TLSTestCase
from tests.temporary import temporary_folder
from xmppd.net.tls.certificates import CertificateError, CertificateStore, HostFiles, read_certificate
from xmppd.net.tls.self_signed import SELF_MADE_DAYS, make_self_signed, to_ascii


def self_made(folder: Path, host: str = "localhost") -> HostFiles:
    """Name files that are made when they are missing."""
    certificates = folder / "certificates"
    return HostFiles(host, certificates / f"{host}.crt", certificates / f"{host}.key", is_self_made=True)


class SelfMadeTests(SynchronousTestCase):
    """What a server makes for itself on its first start."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)

    def test_is_p256_for_the_host_and_the_loopback_addresses(self) -> None:
        """The first start makes a P-256 certificate that covers localhost by name and by address."""
        store = CertificateStore([self_made(self.folder)], lambda: NOW)
        leaf = store.find("localhost").chain[0]
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        key = leaf.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        self.assertEqual(key.curve.name, "secp256r1")
        self.assertEqual(names.get_values_for_type(x509.DNSName), ["localhost"])
        self.assertEqual([str(ip) for ip in names.get_values_for_type(x509.IPAddress)], ["127.0.0.1", "::1"])
        lasts = leaf.not_valid_after_utc - leaf.not_valid_before_utc
        self.assertEqual(lasts.days, SELF_MADE_DAYS)

    def test_key_is_readable_by_its_owner_only(self) -> None:
        """The key file has mode 0600 whatever the umask is."""
        self.addCleanup(os.umask, os.umask(0))
        files = self_made(self.folder)
        CertificateStore([files], lambda: NOW)
        self.assertEqual(stat.S_IMODE(files.key.stat().st_mode), 0o600)

    def test_stays_the_same_at_the_next_start(self) -> None:
        """The fingerprint that people have compared does not change with a restart."""
        files = self_made(self.folder)
        first = CertificateStore([files], lambda: NOW).find(None).fingerprint
        second = CertificateStore([files], lambda: NOW).find(None).fingerprint
        self.assertEqual(first, second)
        self.assertRegex(first, r"\A([0-9A-F]{2}:){31}[0-9A-F]{2}\Z")

    def test_is_made_anew_with_the_old_key_before_it_ends(self) -> None:
        """Within the last 30 days a reload replaces it; the key stays, for those who have pinned that."""
        files = self_made(self.folder)
        now = [NOW]
        store = CertificateStore([files], lambda: now[0])
        old = store.find(None)
        now[0] += timedelta(days=SELF_MADE_DAYS - 20)
        self.assertEqual(store.reload(), [])
        new = store.find(None)
        self.assertGreater(new.expires_at, old.expires_at)
        self.assertEqual(new.chain[0].public_key(), old.chain[0].public_key())

    def test_made_while_the_clock_was_ahead(self) -> None:
        """Nobody would take it for years: it is made anew, with the old key."""
        files = self_made(self.folder)
        make_self_signed("localhost", files.certificate, files.key, NOW + timedelta(days=4_000))
        ahead = read_certificate(files)
        made = CertificateStore([files], lambda: NOW).find(None)
        self.assertLessEqual(made.begins_at, NOW)
        self.assertEqual(made.chain[0].public_key(), ahead.chain[0].public_key())

    def test_internationalised_and_address_hosts(self) -> None:
        """The certificate has the A-label of a host name, and the address of a host that is one."""
        make_self_signed("bücher.example", self.folder / "a.crt", self.folder / "a.key", NOW)
        make_self_signed("[::1]", self.folder / "b.crt", self.folder / "b.key", NOW)
        by_name = read_certificate(HostFiles("bücher.example", self.folder / "a.crt", self.folder / "a.key"))
        by_address = read_certificate(HostFiles("[::1]", self.folder / "b.crt", self.folder / "b.key"))
        self.assertEqual(by_name.names, {"xn--bcher-kva.example"})
        self.assertTrue(by_name.covers("bücher.example"))
        self.assertEqual(by_address.names, set())


class ReadingTests(SynchronousTestCase):
    """Mistakes in files get one line that says what to do."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)
        self.authority = Authority()
        self.files = self.authority.write_host(self.folder, "a.example")

    def fails(self, expected: str) -> None:
        """Reading fails with *expected* in the one line that tells of it."""
        error = self.assertRaises(CertificateError, read_certificate, self.files)
        self.assertIn(expected, str(error))
        self.assertNotIn("\n", str(error))

    def test_chain_and_key_in_one_file(self) -> None:
        """A PEM file may hold the key, the host's certificate and its issuers."""
        both = self.folder / "both.pem"
        both.write_bytes(self.files.key.read_bytes() + self.files.certificate.read_bytes())
        certificate = read_certificate(HostFiles("a.example", both, both))
        self.assertEqual(len(certificate.chain), 2)
        self.assertEqual(certificate.names, {"a.example"})

    def test_missing_file(self) -> None:
        """A file that is not there is named."""
        self.files.key.unlink()
        self.fails(f"{self.files.key}: there is no such file or folder; name the right file")

    def test_no_certificate_in_the_file(self) -> None:
        """A key where the certificate should be is no certificate."""
        self.files.certificate.write_bytes(self.files.key.read_bytes())
        self.fails("there is no certificate in PEM form in it")

    def test_no_key_in_the_file(self) -> None:
        """Text is no key."""
        self.files.key.write_text("secret")
        self.fails("there is no private key in PEM form in it")

    def test_key_with_a_passphrase(self) -> None:
        """Nobody can type a passphrase into a server: it is said how to take it off."""
        self.files.key.write_bytes(pem_of(self.authority.key, b"secret"))
        self.fails("it needs a password; write it without one: openssl pkey")

    def test_key_of_another_certificate(self) -> None:
        """A key that does not fit is found before a client finds it."""
        self.files.key.write_bytes(pem_of(self.authority.key))
        self.fails("is not the key of the first certificate")

    def test_damaged_rsa_key(self) -> None:
        """One that cannot sign any more is found before a client finds it; whole ones are taken."""
        whole = rsa.generate_private_key(65537, 2048)
        make_self_signed("a.example", self.files.certificate, self.files.key, NOW, whole)
        self.assertEqual(read_certificate(self.files).key.public_key(), whole.public_key())
        numbers = whole.private_numbers()
        damaged = rsa.RSAPrivateNumbers(
            numbers.p,
            numbers.q,
            numbers.d + 2,
            numbers.dmp1 + 2,
            numbers.dmq1,
            numbers.iqmp,
            numbers.public_numbers,
        )
        self.files.key.write_bytes(pem_of(damaged.private_key(unsafe_skip_rsa_key_validation=True)))
        self.fails("the key in it is damaged")

    def test_end_point_is_hashed_by_the_signatures_hash(self) -> None:
        """RFC 5929 4.1: SHA-384 for a certificate signed with it."""
        leaf, key = self.authority.issue([x509.DNSName("a.example")], algorithm=hashes.SHA384())
        self.files.certificate.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
        self.files.key.write_bytes(pem_of(key))
        self.assertEqual(read_certificate(self.files).end_point, leaf.fingerprint(hashes.SHA384()))


class StoreTests(TLSTestCase):
    """Which certificate a client is shown, and what a reload does."""

    def test_found_by_host_by_wildcard_and_by_default(self) -> None:
        """The host's own, else one that covers the name, else the first host's; case does not matter."""
        found = {
            name: self.store.find(name).host for name in ("B.Example", "chat.b.example", "x.y.b.example", "")
        }
        self.assertEqual(
            found,
            {
                "B.Example": "b.example",
                "chat.b.example": "b.example",
                "x.y.b.example": "a.example",
                "": "a.example",
            },
        )
        self.assertEqual(self.store.find(None).host, "a.example")

    def test_internationalised_host_is_found_by_its_a_label(self) -> None:
        """SNI carries A-labels (RFC 6066 3), the configuration U-labels."""
        files = self.authority.write_host(self.folder, "bücher.example", to_ascii("bücher.example"))
        store = CertificateStore([self.a, files], lambda: NOW)
        self.assertEqual(store.find("xn--bcher-kva.example").host, "bücher.example")
        self.assertEqual(store.find("bücher.example").host, "bücher.example")

    def test_reload_keeps_what_has_not_changed(self) -> None:
        """A touched file with the old content gives the old object, so that no context is made anew."""
        before = self.store.by_host()
        os.utime(self.a.certificate, (0, 0))
        self.authority.write_host(self.folder, "b.example")
        self.assertEqual(self.store.reload(), [])
        after = self.store.by_host()
        self.assertIs(after["a.example"], before["a.example"])
        self.assertIsNot(after["b.example"], before["b.example"])

    def test_reload_of_a_file_that_looks_the_same(self) -> None:
        """A new certificate is taken though its file has the size and the time of the old one."""
        size, before = 0, self.store.by_host()
        old = self.a.certificate.stat()
        while size != old.st_size:
            self.authority.write_host(self.folder, "a.example")
            size = self.a.certificate.stat().st_size
        os.utime(self.a.certificate, ns=(old.st_atime_ns, old.st_mtime_ns))
        os.utime(self.a.key, ns=(old.st_atime_ns, old.st_mtime_ns))
        self.assertEqual(self.store.reload(), [])
        self.assertIsNot(self.store.by_host()["a.example"], before["a.example"])

    def test_reload_of_a_broken_file_keeps_the_old_and_reports_it(self) -> None:
        """A certificate without its key, as in the middle of a renewal, does no harm; the next reload takes both."""
        before = self.store.find("a.example")
        old_key = self.a.key.read_bytes()
        self.authority.write_host(self.folder, "a.example")
        new_key = self.a.key.read_bytes()
        self.a.key.write_bytes(old_key)
        [finding] = self.store.reload()
        self.assertIs(self.store.find("a.example"), before)
        self.assertIn("the certificate of a.example stays as it was", str(finding))
        self.assertEqual(finding.place, str(self.a.key))
        self.a.key.write_bytes(new_key)
        self.assertEqual(self.store.reload(), [])
        self.assertIsNot(self.store.find("a.example"), before)

    def test_reload_with_other_hosts(self) -> None:
        """Hosts come and go with the configuration; a new one that cannot be read is reported and left out."""
        c = self.authority.write_host(self.folder, "c.example")
        missing = HostFiles("d.example", self.folder / "none", self.folder / "none")
        [finding] = self.store.reload([self.b, c, missing])
        self.assertEqual(list(self.store.by_host()), ["b.example", "c.example"])
        self.assertIn("d.example has no certificate", str(finding))

    def test_needs_a_host(self) -> None:
        """Without any host there is nothing to show."""
        self.assertRaises(ValueError, CertificateStore, [], lambda: NOW)

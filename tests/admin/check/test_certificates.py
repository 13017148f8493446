"""``certificate.*`` findings, one by one, and the names that a certificate covers."""

import os
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from unittest import skipIf

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.certificates import BEGAN, CONFIG, address, make_certificate, write_private
from tests.admin.check.machine import NOW, check_text
from tests.certificates import dns, make_key, pem_of, srv_name, xmpp_addr
from tests.net.tls.authority import NOW as TODAY
from tests.net.tls.authority import Authority
from tests.temporary import temporary_folder
from xmppd.config.findings import Finding
from xmppd.net.tls import flaws
from xmppd.net.tls.names import covers, names_of
from xmppd.net.tls.self_signed import make_self_signed

DAY = timedelta(days=1)

KEY = make_key()
OTHER_KEY = make_key()
GOOD = make_certificate(KEY, dns("a.example"), BEGAN)


def lasting(lasts: timedelta, begins: datetime = BEGAN) -> bytes:
    """A certificate that ends *lasts* after now."""
    return pem_of(make_certificate(KEY, dns("a.example"), begins, NOW - begins + lasts))


# certificate, key, identifier, severity, line, a word of the reason, a word of the remedy
ROWS: list[tuple[bytes | None, bytes | None, str, str, int, str, str]] = [
    (None, pem_of(KEY), "certificate.unreadable", "error", 2, "no such file", "right file"),
    (b"-----BEGIN", pem_of(KEY), "certificate.not-pem", "error", 2, "PEM", "chain"),
    (pem_of(GOOD), None, "certificate.key-unreadable", "error", 3, "no such file", "right file"),
    (pem_of(GOOD), pem_of(GOOD), "certificate.no-key", "error", 3, "no private key", "set key"),
    (pem_of(GOOD), pem_of(KEY, b"x"), "certificate.key-encrypted", "error", 3, "password", "openssl pkey"),
    (pem_of(GOOD), pem_of(OTHER_KEY), "certificate.key-mismatch", "error", 3, "a.crt", "requested with"),
    (
        pem_of(make_certificate(OTHER_KEY, dns("a.example"), BEGAN)) + pem_of(GOOD),
        pem_of(KEY),
        "certificate.order",
        "error",
        2,
        "not the first",
        "before its issuers",
    ),
    (lasting(-DAY), pem_of(KEY), "certificate.expired", "error", 2, "2030-05-31", "renew"),
    (lasting(timedelta()), pem_of(KEY), "certificate.expired", "error", 2, "2030-06-01", "renew"),
    (
        lasting(9 * DAY, NOW + DAY),
        pem_of(KEY),
        "certificate.not-yet-valid",
        "error",
        2,
        "2030-06-02",
        "clock",
    ),
    (lasting(DAY / 2), pem_of(KEY), "certificate.expires-within-a-day", "error", 2, "2030-06-02", "renew"),
    (lasting(6 * DAY), pem_of(KEY), "certificate.expires-within-a-week", "warning", 2, "06-07", "reload"),
    (lasting(13 * DAY), pem_of(KEY), "certificate.expires-within-two-weeks", "warning", 2, "06-14", "reload"),
    (lasting(29 * DAY), pem_of(KEY), "certificate.expires-within-a-month", "warning", 2, "06-30", "reload"),
    (
        pem_of(make_certificate(KEY, dns("b.example"), BEGAN)),
        pem_of(KEY),
        "certificate.name-not-covered",
        "error",
        2,
        "it is for b.example and not for a.example",
        "a.example",
    ),
    (
        pem_of(make_certificate(KEY, [], BEGAN)),
        pem_of(KEY),
        "certificate.name-not-covered",
        "error",
        2,
        "no name at all",
        "alternative names",
    ),
]

COVERED: list[tuple[Sequence[x509.GeneralName], str, bool]] = [
    (dns("a.example"), "a.example", True),
    (dns("A.Example"), "a.example", True),
    (dns("b.example", "a.example"), "a.example", True),
    (dns("*.example.org"), "chat.example.org", True),
    (dns("*.example.org"), "example.org", False),
    (dns("*.example.org"), "a.chat.example.org", False),
    (dns("c*.example.org"), "chat.example.org", False),
    (dns("xn--bcher-kva.example"), "bücher.example", True),
    (dns("*.xn--bcher-kva.example"), "chat.bücher.example", True),
    (dns("common.example"), "a.example", False),
    ([], "common.example", False),
    ([xmpp_addr("a.example")], "a.example", True),
    ([xmpp_addr("bücher.example")], "bücher.example", True),
    ([xmpp_addr("*.example.org")], "chat.example.org", False),
    (
        [xmpp_addr("a" * 60 + "." + "b" * 60 + "." + "c" * 20)],
        "a" * 60 + "." + "b" * 60 + "." + "c" * 20,
        True,
    ),
    ([srv_name("_xmpp-client.a.example")], "a.example", True),
    ([srv_name("_xmpps-client.a.example")], "a.example", True),
    ([srv_name("_xmpp-server.a.example")], "a.example", False),
    ([srv_name("_imap.a.example")], "a.example", False),
    (address("192.0.2.1"), "192.0.2.1", True),
    (address("2001:db8::1"), "[2001:db8::1]", True),
    (address("192.0.2.1"), "192.0.2.2", False),
]


class CertificateTests(SynchronousTestCase):
    """One host, one mistake."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)

    def look(self, text: str, **answers: Callable[..., object]) -> list[Finding]:
        return check_text(self.folder, text, None, "certificates", **answers)

    def assert_one(self, text: str, identifier: str, line: int) -> Finding:
        found = self.look(text)
        self.assertEqual([finding.id for finding in found], [identifier], found)
        self.assertEqual(found[0].place, f"{self.folder / 'xmppd.toml'}:{line}")
        return found[0]

    def test_rows(self) -> None:
        """Each mistake is one finding at the line of the option that names the file."""
        for certificate, key, identifier, severity, line, word, remedy in ROWS:
            self.folder = temporary_folder(self)
            if certificate is not None:
                (self.folder / "a.crt").write_bytes(certificate)
            if key is not None:
                write_private(self.folder / "a.key", key)
            found = self.assert_one(CONFIG, identifier, line)
            self.assertEqual(found.severity, severity, identifier)
            self.assertIn(word, found.why)
            self.assertIn(remedy, found.remedy)

    def test_good(self) -> None:
        """A good pair gives nothing; neither do both in one file, in any order, and a self-made one."""
        (self.folder / "a.crt").write_bytes(pem_of(GOOD))
        write_private(self.folder / "a.key", pem_of(KEY))
        self.assertEqual(self.look(CONFIG), [])
        for both in (pem_of(GOOD) + pem_of(KEY), pem_of(KEY) + pem_of(GOOD)):
            write_private(self.folder / "both.pem", both)
            self.assertEqual(self.look('[hosts."a.example"]\ncertificate = "both.pem"\n'), [])
        self.assertEqual(self.look('[hosts."a.example"]\n'), [])

    def test_exposed_key(self) -> None:
        """A key that everybody can read is told, one that its group can read is not."""
        (self.folder / "a.crt").write_bytes(pem_of(GOOD))
        key = write_private(self.folder / "a.key", pem_of(KEY))
        key.chmod(0o640)
        self.assertEqual(self.look(CONFIG), [])
        key.chmod(0o644)
        found = self.assert_one(CONFIG, "certificate.key-exposed", 3)
        self.assertIn("0644", found.why)
        self.assertEqual(found.remedy, f"chmod o= {key}")
        key.chmod(0o602)
        self.assertIn("change it", self.assert_one(CONFIG, "certificate.key-exposed", 3).why)

    def test_folder(self) -> None:
        """In the folder of certificates each host's is looked at; a host without any is told."""
        (self.folder / "c").mkdir()
        write_private(self.folder / "c" / "a.example.pem", pem_of(GOOD) + pem_of(KEY))
        text = '[hosts."a.example"]\n[hosts."b.test"]\n[tls]\ncertificates = "c"\n'
        found = self.assert_one(text, "certificate.missing", 4)
        self.assertIn('"b.test"', found.what)
        self.assertIn("c/b.test.pem", found.remedy)
        write_private(self.folder / "c" / "b.test.pem", pem_of(GOOD) + pem_of(KEY))
        self.assert_one(text, "certificate.name-not-covered", 4)

    def test_folder_is_searched_by_content(self) -> None:
        """A certificate for several names is found wherever it lies, and so is certbot's ``NAME-0001``."""
        (self.folder / "c").mkdir()
        both = make_certificate(KEY, dns("a.example", "b.example"), BEGAN)
        write_private(self.folder / "c" / "everything.pem", pem_of(both) + pem_of(KEY))
        text = '[hosts."a.example"]\n[hosts."b.example"]\n[tls]\ncertificates = "c"\n'
        self.assertEqual(self.look(text), [])
        for name, certificate in (("b.example", lasting(-DAY)), ("b.example-0001", pem_of(both))):
            (self.folder / "c" / name).mkdir()
            (self.folder / "c" / name / "fullchain.pem").write_bytes(certificate)
            write_private(self.folder / "c" / name / "privkey.pem", pem_of(KEY))
        (self.folder / "c" / "everything.pem").unlink()
        twin = self.folder / "c" / "b.example" / "fullchain.pem"
        for ends, identifiers in (
            (-DAY, ["certificate.two-of-certbot"]),
            (40 * DAY, ["certificate.two-of-certbot"]),
        ):
            twin.write_bytes(pem_of(make_certificate(KEY, dns("b.example"), BEGAN, NOW - BEGAN + ends)))
            found = self.look(text)
            self.assertEqual([each.id for each in found], identifiers)
            self.assertIn(f"lasts longer than {twin}", found[0].why)
        twin.write_bytes(pem_of(make_certificate(KEY, dns("b.example"), BEGAN, NOW - BEGAN + 400 * DAY)))
        self.assertEqual(self.look(text), [])  # the old one is good, and lasts longer
        twin.unlink()
        self.assertEqual(self.look(text), [])
        twin.write_bytes(lasting(-DAY))
        (self.folder / "c" / "b.example-0001" / "fullchain.pem").unlink()
        self.assertEqual(
            [f.id for f in self.look(text)],
            ["certificate.missing", "certificate.expired", "certificate.name-not-covered"],
        )

    def test_half_of_it(self) -> None:
        """A certificate without its key, a key without its certificate, and a link that leads nowhere are told so."""
        folder = self.folder / "c" / "a.example"
        folder.mkdir(parents=True)
        both = pem_of(make_certificate(KEY, dns("a.example", "localhost"), BEGAN))
        for host in ("a.example", "localhost"):
            folder = folder.rename(self.folder / "c" / host)
            text = f'[hosts."{host}"]\n[tls]\ncertificates = "c"\n'
            chain, key = folder / "fullchain.pem", folder / "privkey.pem"
            chain.write_bytes(both)
            self.assertIn(f"({key})", self.assert_one(text, "certificate.key-unreadable", 3).what)
            key.symlink_to("../gone.pem")
            found = self.assert_one(text, "certificate.key-unreadable", 3)
            self.assertIn("(it leads to ../gone.pem)", found.why)
            key.unlink()
            chain.unlink()
            write_private(key, pem_of(KEY))
            self.assertIn(f"({chain})", self.assert_one(text, "certificate.unreadable", 3).what)
            key.unlink()

    def test_folder_of_caddy(self) -> None:
        """A folder for each name, and in it files that are called as it is."""
        folder = self.folder / "c" / "a.example"
        folder.mkdir(parents=True)
        (folder / "a.example.crt").write_bytes(pem_of(GOOD))
        write_private(folder / "a.example.key", pem_of(KEY))
        self.assertEqual(self.look('[hosts."a.example"]\n[tls]\ncertificates = "c"\n'), [])

    def test_name_of_this_machine(self) -> None:
        """No authority certifies localhost: it has a self-made one though there is a folder for the others."""
        (self.folder / "c").mkdir()
        self.assertEqual(self.look('[hosts.localhost]\n[tls]\ncertificates = "c"\n'), [])

    def test_other_forms(self) -> None:
        """What is no PEM but is known gets the command that makes PEM of it."""
        der = serialization.Encoding.DER
        plain = serialization.NoEncryption()
        (self.folder / "a.crt").write_bytes(GOOD.public_bytes(der))
        write_private(self.folder / "a.key", KEY.private_bytes(der, serialization.PrivateFormat.PKCS8, plain))
        remedies = [finding.remedy for finding in self.look(CONFIG)]
        self.assertIn(f"openssl x509 -inform DER -in {self.folder / 'a.crt'}", remedies[0])
        self.assertIn(f"openssl pkey -inform DER -in {self.folder / 'a.key'}", remedies[1])
        (self.folder / "a.crt").write_bytes(
            pkcs12.serialize_key_and_certificates(b"a", KEY, GOOD, None, plain)
        )
        self.assertIn("openssl pkcs12", self.look(CONFIG)[0].remedy)

    def test_issuers(self) -> None:
        """What follows the host's certificate must have issued it, and be in force; what is missing is told."""
        root = Authority("root")
        between, other = Authority("between", root), Authority("other", root)
        leaf, key = between.issue([x509.DNSName("a.example")])
        write_private(self.folder / "a.key", pem_of(key))
        self.patch(flaws, "BUNDLES", (self.folder / "authorities.pem",))
        (self.folder / "authorities.pem").write_bytes(pem_of(root.certificate))
        flaws.authorities.cache_clear()
        self.addCleanup(flaws.authorities.cache_clear)
        now = {"now": lambda: TODAY}
        for chain, identifiers in (
            ([leaf, between.certificate], []),
            ([leaf, between.certificate, root.certificate], []),
            ([leaf], ["certificate.no-issuer"]),
            ([leaf, other.certificate], ["certificate.wrong-issuer"]),
            ([leaf, root.certificate, between.certificate], ["certificate.wrong-issuer"]),
        ):
            (self.folder / "a.crt").write_bytes(b"".join(map(pem_of, chain)))
            self.assertEqual([finding.id for finding in self.look(CONFIG, **now)], identifiers, chain)
        late = Authority("late", root, days=-1)
        leaf, key = late.issue([x509.DNSName("a.example")])
        write_private(self.folder / "a.key", pem_of(key))
        (self.folder / "a.crt").write_bytes(pem_of(leaf) + pem_of(late.certificate))
        self.assertEqual([each.id for each in self.look(CONFIG, **now)], ["certificate.expired-issuer"])

    def test_made_while_the_clock_was_ahead(self) -> None:
        """A self-made certificate that is not yet valid is told."""
        own = self.folder / "data" / "certificates"
        make_self_signed("a.example", own / "a.example.crt", own / "a.example.key", NOW + 900 * DAY)
        (found,) = self.look('[hosts."a.example"]\n')
        self.assertEqual((found.id, found.severity), ("certificate.not-yet-valid", "warning"))

    def test_no_folder(self) -> None:
        """A folder of certificates that is not there is told, and so is every host without one of its own."""
        found = self.look('[hosts."a.example"]\n[tls]\ncertificates = "c"\n')
        self.assertEqual([f.id for f in found], ["certificate.no-folder", "certificate.missing"])

    @skipIf(os.geteuid() == 0, "root may look into every folder")
    def test_closed_folder(self) -> None:
        """A folder that we may not look into is told."""
        (self.folder / "c").mkdir(mode=0)
        found = self.look('[hosts."a.example"]\n[tls]\ncertificates = "c"\n')
        self.assertEqual(found[0].id, "certificate.no-folder")

    def test_client_issuers(self) -> None:
        """The issuers of client certificates are read and their dates looked at."""
        text = '[hosts."a.example"]\nclient_certificates = true\nclient_ca = "ca.pem"\n'
        self.assert_one(text, "certificate.unreadable", 3)
        (self.folder / "ca.pem").write_bytes(b"nothing")
        self.assert_one(text, "certificate.not-pem", 3)
        (self.folder / "ca.pem").write_bytes(pem_of(GOOD) + lasting(-DAY))
        self.assertIn("issuers", self.assert_one(text, "certificate.expired", 3).what)
        (self.folder / "ca.pem").write_bytes(pem_of(GOOD))
        self.assertEqual(self.look(text), [])

    def test_self_made(self) -> None:
        """Of one that the server makes itself only is told that it was spoilt, and how to get another."""
        text = '[hosts."a.example"]\n'
        own = self.folder / "data" / "certificates"
        self.assertEqual(self.look(text), [])
        make_self_signed("a.example", own / "a.example.crt", own / "a.example.key", NOW)
        self.assertEqual(self.look(text), [])
        (own / "a.example.key").write_bytes(pem_of(KEY))
        self.assert_self_made("certificate.key-mismatch", own / "a.example.key")
        (own / "a.example.key").write_bytes(b"nothing")
        self.assert_self_made("certificate.no-key", own / "a.example.key")
        (own / "a.example.key").unlink()
        self.assertEqual(self.look(text), [])
        (own / "a.example.crt").write_bytes(b"nothing")
        self.assert_self_made("certificate.not-pem", own / "a.example.crt")
        self.assertEqual(self.look(f'[hosts."{".".join(["a" * 63] * 3 + ["a" * 61])}"]\n'), [])

    def assert_self_made(self, identifier: str, file: Path) -> None:
        """One mistake is found, whose place is the file itself."""
        (found,) = self.look('[hosts."a.example"]\n')
        self.assertEqual((found.id, found.place), (identifier, str(file)))
        self.assertIn("the server makes another", found.remedy)

    def test_names_of_nobody(self) -> None:
        """An other-name that is no string of its kind is no name."""
        for der in (b"\x0c", b"\x0c\x05abc", b"\x02\x01\x01", b"\x0c\x01\xff", b"\x0c\x81", b"\x0c\x81\x01a"):
            odd = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.5.5.7.8.5"), b"\x0c\x01a")
            certificate = make_certificate(KEY, [odd], BEGAN)
            self.assertEqual(names_of(certificate), ("a",))
            try:
                odd = x509.OtherName(odd.type_id, der)
                certificate = make_certificate(KEY, [odd], BEGAN)
            except ValueError:
                continue  # refused by the library already
            self.assertEqual(names_of(certificate), ("a",) if der.endswith(b"\x01a") else ())

    def test_covered_names(self) -> None:
        """Names count by RFC 6125: DNS names and wildcards of one label, XMPP addresses, SRV names, addresses."""
        for names, host, is_covered in COVERED:
            certificate = make_certificate(KEY, names, BEGAN)
            self.assertEqual(covers(certificate, host), is_covered, (names_of(certificate), host))


class FolderPathTests(SynchronousTestCase):
    """What the findings name."""

    def test_file_is_named(self) -> None:
        """The file that is wrong is in the text, as a whole path."""
        folder = temporary_folder(self)
        found = check_text(folder, CONFIG, None, "certificates")
        self.assertIn(str(Path(folder) / "a.crt"), found[0].what)

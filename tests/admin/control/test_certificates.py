"""``xmppctl cert list`` and ``cert show``: what the running server shows."""

from dataclasses import replace
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench
from tests.net.tls.authority import NOW, Authority
from tests.temporary import temporary_folder
from xmppd.admin.control.service import offer
from xmppd.core.operations.showing import Facts, written
from xmppd.net.tls.certificates import HostFiles, read_certificate
from xmppd.net.tls.self_signed import PrivateKey, make_self_signed


class CertificateTests(SynchronousTestCase):
    """Two hosts, of which one has a certificate."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)
        self.bench = ControlBench()
        files = Authority().write_host(self.folder, "localhost", "localhost", "*.localhost")
        self.shown = read_certificate(files)
        self.show()

    def show(self) -> None:
        """Have the server show `shown`."""
        offer(self.bench.commands, replace(self.bench.parts, certificates=lambda: {"localhost": self.shown}))

    def test_list(self) -> None:
        """What there is of each."""
        (row,) = self.bench.do("cert.list")
        self.assertEqual((row["host"], row["names"]), ("localhost", ["*.localhost", "localhost"]))
        self.assertEqual((row["issuer"], row["self_made"]), ("test authority", False))

    def test_show(self) -> None:
        """All of one: its key, who stands behind it, and what DNS has for DANE (RFC 6698 2.1: 3 1 1)."""
        found = self.bench.do("cert.show", host="localhost")
        self.assertEqual(found["certificate"]["sha256"], self.shown.fingerprint)
        self.assertEqual((found["key"], found["issuers"]), ("elliptic curve, secp256r1", ["test authority"]))
        public = self.shown.chain[0].public_key()
        key = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.assertEqual(found["tlsa"], f"3 1 1 {sha256(key).hexdigest()}")
        operation = self.bench.commands.get("cert.show")
        assert operation is not None
        (facts,) = operation.shows(found, {})
        assert isinstance(facts, Facts)
        said = {label: written(cell, str) for label, cell in facts.pairs}
        self.assertEqual((said["For"], said["Self-made"]), ("*.localhost, localhost", "no"))

    def test_keys(self) -> None:
        """Other kinds."""
        keys: tuple[tuple[PrivateKey, str], ...] = (
            (rsa.generate_private_key(65537, 2048), "RSA, 2048 bits"),
            (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
        )
        for key, words in keys:
            files = HostFiles("localhost", self.folder / "x.crt", self.folder / "x.key")
            make_self_signed("localhost", files.certificate, files.key, NOW, key)
            self.shown = read_certificate(files)
            self.show()
            self.assertEqual(self.bench.do("cert.show", host="localhost")["key"], words)

    def test_none(self) -> None:
        """A domain without one of its own, and one that is not served."""
        self.assertEqual(self.bench.refusal("cert.show", host="example.org")[0], "no-certificate")
        self.assertEqual(self.bench.refusal("cert.show", host="nowhere")[0], "unknown-host")

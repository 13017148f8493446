"""What ``xmppctl check`` says of components: secrets in files, and what is not served yet."""

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.temporary import temporary_folder

TEXT = '[components."x.example"]\nsecret_file = "x.secret"\n'


class SecretFileTests(SynchronousTestCase):
    """``secret_file``."""

    def setUp(self) -> None:
        """A folder for the configuration."""
        self.folder = temporary_folder(self)

    def found(self) -> list[tuple[str, str]]:
        """Check `TEXT`; give identifiers and lines, the remark on what is not served left out."""
        found = check_text(self.folder, TEXT, None, "config")
        return [(f.id, f.place.rpartition(":")[2]) for f in found if f.id != "config.no-effect"]

    def test_absent(self) -> None:
        """A file that is not there is told."""
        self.assertEqual(self.found(), [("config.secret-unreadable", "2")])

    def test_folder(self) -> None:
        """A folder is no file."""
        (self.folder / "x.secret").mkdir()
        self.assertEqual(self.found(), [("config.secret-unreadable", "2")])

    def test_empty(self) -> None:
        """An empty first line is no secret."""
        (self.folder / "x.secret").write_text("\nsecret\n")
        self.assertEqual(self.found(), [("config.secret-empty", "2")])

    def test_right(self) -> None:
        """A file with a secret is right, whatever its bytes."""
        (self.folder / "x.secret").write_bytes(b"\xff secret\n")
        self.assertEqual(self.found(), [])


class CertificateTests(SynchronousTestCase):
    """Certificates of components."""

    def test_none_is_missed(self) -> None:
        """Nobody connects to a component by TLS: it needs no certificate, in a searched folder neither."""
        folder = temporary_folder(self)
        (folder / "certificates").mkdir()
        text = '[tls]\ncertificates = "certificates"\n[components."x.example"]\nmodule = "x"\n'
        found = check_text(folder, text, None, "certificates")
        self.assertEqual([f.what for f in found], ['certificate of "localhost"'])

    def test_named(self) -> None:
        """One that is named is looked at."""
        folder = temporary_folder(self)
        text = '[components."x.example"]\nmodule = "x"\ncertificate = "x.pem"\n'
        found = check_text(folder, text, None, "certificates")
        self.assertEqual(
            {(f.id, f.place.rpartition(":")[2]) for f in found}, {("certificate.unreadable", "3")}
        )

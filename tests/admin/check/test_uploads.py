"""What ``xmppctl check`` says of files that lie elsewhere."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.temporary import temporary_folder

SERVICE = '[hosts."a.localhost"]\n[components."upload.localhost"]\nmodule = "upload"\n'
S3 = (
    SERVICE
    + '[components."upload.localhost".modules.upload.s3]\nurl = "https://s3.example/uploads"\naccess_key = "a"\n'
)
EXTERNAL = SERVICE + '[components."upload.localhost".modules.upload.external]\n'
FILE = 'secret_file = "{}"\n'


class UploadStoreTests(SynchronousTestCase):
    """``[modules.upload.s3]``, ``[modules.upload.external]``."""

    def found(
        self, text: str, only: str = "web", secret: str = "a secret that is long enough", **answers: Any
    ) -> list[str]:
        """Check *text* with a secret in the file; give identifiers."""
        folder = temporary_folder(self)
        file = folder / "secret"
        file.write_text(secret)
        file.chmod(0o600)
        found = check_text(folder, text.replace("{}", str(file)), None, only, **answers)
        return [each.id for each in found if "secret" in each.id or each.id.startswith("web.")]

    def answered(self, status: int) -> list[str]:
        """What is found where the store answers so; it is asked with a signature."""
        asked: list[str] = []

        def fetch(url: str) -> tuple[int, bytes]:
            asked.append(url)
            if not status:
                raise OSError("connection refused")
            return status, b""

        found = self.found(S3 + FILE, fetch=fetch)
        self.assertIn("https://s3.example/uploads/xmppd-check?X-Amz-Algorithm=", asked[0])
        return found

    def test_a_bucket(self) -> None:
        """It lets us in, and has no such object."""
        self.assertEqual(self.answered(404), [])
        for status in (0, 200, 301, 403, 500):
            self.assertEqual(self.answered(status), ["web.store"], status)

    def test_without_tls(self) -> None:
        """Whoever listens gets files."""
        self.assertEqual(self.found(EXTERNAL + FILE + 'url = "http://files.example/up"\n'), ["web.plain"])
        self.assertEqual(self.found(EXTERNAL + FILE + 'url = "http://localhost:5050/up"\n'), [])
        self.assertEqual(self.found(EXTERNAL + FILE + 'url = "https://files.example/up"\n'), [])

    def test_secrets(self) -> None:
        """As those of relays."""
        self.assertEqual(self.found(S3 + FILE, "config"), [])
        self.assertEqual(self.found(S3 + FILE, "config", secret="x"), ["config.weak-secret"])
        missing = 'secret_file = "missing"\n'
        self.assertEqual(self.found(S3 + missing, "config"), ["config.secret-unreadable"])
        self.assertEqual(self.found(S3 + missing), ["web.store"])

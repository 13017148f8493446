"""Control commands about uploaded files."""

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench
from tests.temporary import temporary_folder
from xmppd.services.uploads.receiving import Receiving
from xmppd.services.uploads.upload import UNENDING, Quota, Rule
from xmppd.services.uploads.uploads import Uploads, Wanted
from xmppd.testing.server import now

SERVICE = "upload.localhost"


class UploadTests(SynchronousTestCase):
    """``upload.*``."""

    def setUp(self) -> None:
        """Ann has uploaded a file."""
        folder = temporary_folder(self)
        component = f'[components."{SERVICE}"]\nmodule = "upload"\n'
        self.bench = ControlBench(f'data_dir = "{folder}"\n[hosts."localhost"]\n{component}')
        self.bench.do("user.add", jid="ann@localhost", password="secret")
        uploads = self.bench.server.services[Uploads]
        wanted = Wanted(SERVICE, "ann@localhost", "a b.png", 3, "image/png")
        slot = now(uploads.slot(wanted, Rule(10, UNENDING), Quota(0, 0, 0, 0)))

        def body(sink: Receiving) -> Deferred[int]:
            sink.write(b"abc")
            return succeed(3)

        self.file = now(uploads.receive(SERVICE, slot.key, body))

    def test_list_and_show(self) -> None:
        """Those of an account; one by its id, or by its address as others have it."""
        (row,) = self.bench.do("upload.list", jid="ann@localhost")
        self.assertEqual(
            (row["id"], row["name"], row["size"], row["expires"]), (self.file.id, "a b.png", 3, None)
        )
        for file in (self.file.id, f"https://x.example/upload/{self.file.id}/a%20b.png"):
            self.assertEqual(self.bench.do("upload.show", file=file)["owner"], "ann@localhost")

    def test_remove(self) -> None:
        """It is gone, and cannot be removed again."""
        self.assertEqual(self.bench.do("upload.remove", file=self.file.id)["name"], "a b.png")
        self.assertEqual(self.bench.do("upload.list", jid="ann@localhost"), [])
        for file in (self.file.id, "", "x\0", "https://x.example/upload", "//["):
            self.assertEqual(self.bench.refusal("upload.remove", file=file)[0], "no-such-file", file)

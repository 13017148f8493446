"""Files that lie in an S3-compatible store, or with another program: no byte of them comes by (XEP-0363)."""

import hashlib
import hmac
import http.client
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree.ElementTree import Element

from twisted.trial.unittest import SynchronousTestCase

from tests.modules.upload.s3 import ACCESS_KEY, REGION, SECRET_KEY, Store
from tests.modules.upload.test_module import NS, OPTIONS, PNG
from tests.temporary import temporary_folder
from xmppd.net.elsewhere.web import status_of
from xmppd.services.accounts.removal import Removal
from xmppd.services.uploads.upkeep import EVERY_S, UploadUpkeep
from xmppd.services.uploads.uploads import SLOT_S, Uploads
from xmppd.stanza.jid import JID
from xmppd.testing.server import MemoryServer, now
from xmppd.testing.web import MemoryWeb, WebResponse

STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
ROMEO = "romeo@localhost"
ELSEWHERE = OPTIONS.replace("keep_free_bytes = 0\n", "account_bytes = 5_000\n{options}\n")
S3 = """
[components."upload.localhost".modules.upload.s3]
url = "{url}/"
access_key = "{access_key}"
region = "{region}"
secret_file = "{secret_file}"
"""


class ElsewhereTestCase(SynchronousTestCase):
    """A server, and Romeo, who uploads."""

    memory: MemoryServer

    def begin(self, options: str) -> None:
        """Start."""
        folder = temporary_folder(self)
        self.memory = MemoryServer(ELSEWHERE.format(folder=folder, options=options), ask_web=status_of)
        self.web = MemoryWeb(self.memory)
        self.romeo = self.memory.logged_in(f"{ROMEO}/orchard")

    def asked(self, size: int = len(PNG), name: str = "a b.png", type: str = "image/png") -> Element:
        """Give the answer to a request for a slot."""
        attrs = f"filename='{name}' size='{size}' content-type='{type}'"
        self.romeo.send(
            f"<iq type='get' id='s' to='upload.localhost'><request xmlns='urn:xmpp:http:upload:0' {attrs}/></iq>"
        )
        return self.romeo.inbox.popleft()

    def slot(self, size: int = len(PNG), name: str = "a b.png", type: str = "image/png") -> tuple[str, str]:
        """Give where to put, and where to get from."""
        slot = self.asked(size, name, type)[0]
        put, get = slot.find(f"{NS}put"), slot.find(f"{NS}get")
        assert put is not None
        assert get is not None
        return put.get("url") or "", get.get("url") or ""


class BucketTests(ElsewhereTestCase):
    """``[modules.upload.s3]``."""

    def setUp(self) -> None:
        """The store is empty."""
        self.store = Store(self.seconds)
        self.addCleanup(self.store.close)
        secret = temporary_folder(self) / "secret"
        secret.write_text(f"{SECRET_KEY}\n")
        self.begin(S3.format(url=self.store.url, access_key=ACCESS_KEY, region=REGION, secret_file=secret))
        self.uploads = self.memory.server.services[Uploads]
        self.memory.server.services[UploadUpkeep].start()

    def seconds(self) -> float:
        """The time of the server, and of the store."""
        return self.memory.server.core.environment.now()

    def ask(self, method: str, url: str, body: bytes | None = None) -> http.client.HTTPResponse:
        """As a client asks the store."""
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        self.addCleanup(connection.close)
        connection.request(method, f"{parts.path}?{parts.query}", body)
        return connection.getresponse()

    def get(self, url: str) -> WebResponse:
        """As a client asks this server."""
        return self.web.request("GET", urlsplit(url).path)

    def uploaded(self) -> str:
        """Upload a file, and give where it is fetched."""
        put, get = self.slot()
        self.assertEqual(self.ask("PUT", put, PNG).status, 200)
        return get

    def test_up_and_down(self) -> None:
        """The client puts it into the store; whoever has its address here is shown to it, and gets it as what it is."""
        get = self.uploaded()
        self.assertEqual(list(self.store.objects.values()), [PNG])
        shown = self.get(get)
        self.assertEqual((shown.status, shown.headers["cache-control"], shown.body), (302, "no-store", b""))
        file = self.ask("GET", shown.headers["location"])
        self.assertEqual((file.status, file.read(), file.headers["content-type"]), (200, PNG, "image/png"))
        self.assertIn("inline", file.headers["content-disposition"])
        self.assertEqual(self.store.refused, [])

    def test_what_runs_is_saved(self) -> None:
        """A page is no page when it comes from there."""
        put, get = self.slot(6, "a.html", "text/html")
        self.ask("PUT", put, b"<html>")
        file = self.ask("GET", self.get(get).headers["location"])
        self.assertEqual(file.headers["content-type"], "application/octet-stream")
        self.assertIn("attachment", file.headers["content-disposition"])

    def test_nothing_else_by_a_slot(self) -> None:
        """Another size, another method, another object, too late: the store takes none of it."""
        put, _ = self.slot()
        self.assertEqual(self.ask("PUT", put, PNG + b"x").status, 403)
        self.assertEqual(self.ask("GET", put).status, 403)
        self.assertEqual(self.ask("PUT", put.replace("/uploads/", "/uploads/x"), PNG).status, 403)
        self.memory.pass_time(SLOT_S + 1)
        self.assertEqual(self.ask("PUT", put, PNG).status, 403)
        self.assertEqual(self.store.objects, {})

    def test_removed(self) -> None:
        """By its owner, or with the account: it goes from the store, and nobody is shown to it any more."""
        first, second = self.uploaded(), self.uploaded()
        file = now(self.uploads.of_account(ROMEO))[0]
        now(self.uploads.remove(file))
        self.assertEqual(len(self.store.objects), 1)
        now(self.memory.server.services[Removal].remove(JID.parse(ROMEO)))
        self.memory.pass_time(1)
        self.assertEqual(self.store.objects, {})
        self.assertEqual({self.get(first).status, self.get(second).status}, {404})

    def test_never_put(self) -> None:
        """What has not come when its time is over is no file, and no part of a quota."""
        _, get = self.slot()
        kept = self.uploaded()
        self.memory.pass_time(2 * SLOT_S + EVERY_S)
        self.assertEqual((self.get(get).status, self.get(kept).status), (404, 302))
        self.assertEqual([each.size for each in now(self.uploads.of_account(ROMEO))], [len(PNG)])
        self.slot(5_000 - len(PNG))

    def test_quota(self) -> None:
        """Slots count as files."""
        self.slot(4_000)
        error = self.asked(1_001)
        self.assertEqual(error.get("type"), "error")

    def test_the_store_is_down(self) -> None:
        """Nothing is forgotten: it is tried again."""
        self.uploaded()
        self.slot()
        self.store.is_down = True
        self.memory.pass_time(2 * SLOT_S + EVERY_S)
        self.assertEqual(len(now(self.uploads.of_account(ROMEO))), 2)
        file = now(self.uploads.of_account(ROMEO))[0]
        self.assertIsInstance(self.failureResultOf(self.uploads.remove(file)).value, OSError)
        self.store.is_down = False
        self.memory.pass_time(EVERY_S)
        self.assertEqual(len(now(self.uploads.of_account(ROMEO))), 1)


class ExternalTests(ElsewhereTestCase):
    """``[modules.upload.external]``."""

    def setUp(self) -> None:
        """Another program takes files."""
        secret = temporary_folder(self) / "secret"
        secret.write_text("shared\n")
        self.begin(
            '[components."upload.localhost".modules.upload.external]\n'
            f'url = "https://files.example/upload/"\nsecret_file = "{secret}"\n'
        )

    def test_signed(self) -> None:
        """Path and size with the secret; two slots are never the same."""
        put, get = self.slot()
        self.assertEqual(put.partition("?")[0], get)
        path = unquote(urlsplit(get).path.removeprefix("/upload/"))
        self.assertTrue(path.endswith("/a b.png"))
        expected = hmac.new(b"shared", f"{path} {len(PNG)}".encode(), hashlib.sha256).hexdigest()
        self.assertEqual(parse_qs(urlsplit(put).query), {"v": [expected]})
        self.assertNotEqual(self.slot()[1], get)

    def test_too_large(self) -> None:
        """That is said before."""
        self.assertIsNotNone(self.asked(1_000_000_000).find(f".//{NS}file-too-large"))

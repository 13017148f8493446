"""What is for the server as a whole: the chat in the browser, host-meta, challenges of a certificate authority."""

import gzip
import json
from pathlib import Path
from xml.etree.ElementTree import fromstring

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.testing.server import MemoryServer
from xmppd.testing.web import MemoryWeb, WebResponse

XRD = "{http://docs.oasis-open.org/ns/xri/xrd-1.0}"


class PagesTestCase(SynchronousTestCase):
    """A server with a web side."""

    options = ""

    def setUp(self) -> None:
        """Give each test a server of its own, and a data folder."""
        self.folder = temporary_folder(self)
        self.memory = MemoryServer(f'data_dir = "{self.folder}"\n{self.options.format(folder=self.folder)}')
        self.web = MemoryWeb(self.memory)

    def get(self, path: str, host: str = "localhost", **headers: str) -> WebResponse:
        """Ask for *path*."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.web.request("GET", path, headers={"Host": host, **named})


class HostMetaTests(PagesTestCase):
    """XEP-0156 over RFC 6415."""

    options = '[hosts."a.example"]\n[hosts."b.example"]\nexternal_url = "https://chat.b.example"\n'

    def test_xrd(self) -> None:
        """By TLS at a proxy, under the domain's own name; for pages of any site."""
        response = self.get("/.well-known/host-meta", "a.example", X_Forwarded_Proto="https")
        self.assertEqual(response.headers["content-type"], "application/xrd+xml; charset=utf-8")
        self.assertEqual(response.headers["access-control-allow-origin"], "*")
        links = {
            link.get("rel"): link.get("href") for link in fromstring(response.text).findall(f"{XRD}Link")
        }
        self.assertEqual(
            links,
            {
                "urn:xmpp:alt-connections:websocket": "wss://a.example/xmpp-websocket",
                "urn:xmpp:alt-connections:xbosh": "https://a.example/http-bind",
            },
        )

    def test_json(self) -> None:
        """At a path of its own, and where it is preferred; with the address that is configured."""
        for response in (
            self.get("/.well-known/host-meta.json", "b.example"),
            self.get("/.well-known/host-meta", "b.example", Accept="application/json"),
        ):
            links = json.loads(response.body)["links"]
            self.assertEqual(links[0]["href"], "wss://chat.b.example/xmpp-websocket")
            self.assertEqual(
                links[1],
                {"rel": "urn:xmpp:alt-connections:xbosh", "href": "https://chat.b.example/http-bind"},
            )


class AcmeTests(PagesTestCase):
    """RFC 8555 8.3."""

    options = '[http]\nacme_folder = "{folder}/acme"\n[hosts."a.example"]\n'

    def setUp(self) -> None:
        """Put an answer into the folder, and a file beside it."""
        super().setUp()
        challenges = self.folder / "acme" / ".well-known" / "acme-challenge"
        challenges.mkdir(parents=True)
        (challenges / "a-Token_1").write_text("a-Token_1.key")
        (self.folder / "acme" / "secret").write_text("secret")
        (challenges / "folder").mkdir()

    def test_answered(self) -> None:
        """Under any name: certificates are for names that serve nothing else, too."""
        for host in ("a.example", "other.example", "127.0.0.1"):
            self.assertEqual(self.get("/.well-known/acme-challenge/a-Token_1", host).text, "a-Token_1.key")

    def test_nothing_else(self) -> None:
        """No other file, and no folder."""
        for token in ("absent", "folder", "..%2f..%2fsecret", "%2e%2e", "a.b", "x" * 300, ""):
            self.assertIn(
                self.get(f"/.well-known/acme-challenge/{token}", "a.example").status, (400, 404), token
            )


class NoAcmeTests(PagesTestCase):
    """Without a folder."""

    def test_nothing(self) -> None:
        """There is nothing."""
        self.assertEqual(self.get("/.well-known/acme-challenge/a").status, 404)


class ChatTests(PagesTestCase):
    """The chat in the browser."""

    options = '[hosts."localhost"]\n[components."rooms.localhost"]\nmodule = "muc"\n'

    def setUp(self) -> None:
        """Put files like those of Converse into the data folder."""
        super().setUp()
        self.install(self.folder / "web-client")

    @staticmethod
    def install(folder: Path) -> None:
        """Put a few files into *folder*."""
        (folder / "images").mkdir(parents=True)
        (folder / "converse.min.js").write_bytes(b"js")
        (folder / "converse.min.js.gz").write_bytes(gzip.compress(b"js"))
        (folder / "curve25519_compiled.wasm").write_bytes(b"wasm")
        (folder / "images" / "a.png").write_bytes(b"png")
        (folder / "README").write_bytes(b"text")

    def test_the_page(self) -> None:
        """It has no script in it, and may load from here alone; what starts the chat says where to connect."""
        page = self.get("/")
        self.assertIn('<script src="/chat/start.js" type="module">', page.text)
        policy = page.headers["content-security-policy"]
        self.assertIn("script-src 'self' 'wasm-unsafe-eval';", policy)
        self.assertIn("connect-src 'self' ws://localhost http://localhost", policy)
        self.assertNotIn("https:", policy)
        start = self.get("/chat/start.js")
        self.assertEqual(start.headers["content-type"], "text/javascript; charset=utf-8")
        options = json.loads(start.text.partition("initialize(")[2].rpartition(");")[0])
        self.assertEqual(options["websocket_url"], "ws://localhost/xmpp-websocket")
        self.assertEqual(options["bosh_service_url"], "http://localhost/http-bind")
        self.assertEqual((options["default_domain"], options["muc_domain"]), ("localhost", "rooms.localhost"))

    def test_files(self) -> None:
        """With their types, compressed for who takes that, asked for anew by their tags."""
        plain, small = (
            self.get("/chat/converse.min.js"),
            self.get("/chat/converse.min.js", Accept_Encoding="gzip, br"),
        )
        self.assertEqual((plain.body, gzip.decompress(small.body)), (b"js", b"js"))
        self.assertEqual(
            (small.headers["content-encoding"], small.headers["vary"]), ("gzip", "Accept-Encoding")
        )
        self.assertNotEqual(plain.headers["etag"], small.headers["etag"])
        again = self.get("/chat/converse.min.js", If_None_Match=plain.headers["etag"])
        self.assertEqual(again.status, 304)
        self.assertEqual(self.get("/chat/images/a.png").headers["content-type"], "image/png")
        self.assertEqual(self.get("/curve25519_compiled.wasm").headers["content-type"], "application/wasm")

    def test_nothing_else(self) -> None:
        """No file of another kind, none outside, no folder."""
        (self.folder / "secret.js").write_text("secret")
        for path in (
            "README",
            "images",
            "absent.js",
            "..%2fsecret.js",
            "%2e%2e/secret.js",
            "images/..%5c..%5csecret.js",
        ):
            self.assertIn(self.get(f"/chat/{path}").status, (400, 404), path)


class NoChatTests(PagesTestCase):
    """The chat is not installed."""

    def test_a_page_all_the_same(self) -> None:
        """It says what this is; how the chat is had is told to who sits at this machine alone."""
        self.assertIn("xmppctl web install", self.get("/").text)
        headers = {"Host": "localhost", "X-Forwarded-For": "192.0.2.1"}
        self.assertNotIn("xmppctl", self.web.request("GET", "/", headers=headers).text)
        self.assertEqual(self.get("/chat/converse.min.js").status, 404)

"""HTTP File Upload over HTTP (XEP-0363 7): what comes, what goes, and what is refused; and commands about files."""

import os
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.modules.upload.names import NAME_BYTES, disposition, fit, in_url
from xmppd.services.uploads.uploads import SLOT_S, Uploads
from xmppd.storage.interface import StorageFull
from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer, now
from xmppd.testing.web import MemoryWeb, WebResponse

NS = "{urn:xmpp:http:upload:0}"
NS_COMMANDS = "{http://jabber.org/protocol/commands}"
NS_FORMS = "{jabber:x:data}"
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 1_000
OPTIONS = """
data_dir = "{folder}"
[http]
external_url = "https://localhost"
[components."upload.localhost"]
module = "upload"
[components."upload.localhost".modules.upload]
keep_free_bytes = 0
"""


class Base(SynchronousTestCase):
    """A server with a service of uploads, and Romeo."""

    def setUp(self) -> None:
        """Nothing is uploaded yet."""
        self.folder = temporary_folder(self)
        self.memory = MemoryServer(OPTIONS.format(folder=self.folder))
        self.web = MemoryWeb(self.memory)
        self.romeo = self.memory.logged_in("romeo@localhost/orchard")

    def slot(self, name: str = "a.png", size: int = len(PNG), type: str = "image/png") -> tuple[str, str]:
        """Give the paths to put to and to get from."""
        attrs = f"filename='{name}' size='{size}' content-type='{type}'"
        self.romeo.send(
            f"<iq type='get' id='s' to='upload.localhost'><request xmlns='urn:xmpp:http:upload:0' {attrs}/></iq>"
        )
        slot = self.romeo.inbox.popleft()[0]
        return _path(slot, "put"), _path(slot, "get")

    def put(self, path: str, body: bytes = PNG, type: str = "image/png", **headers: str) -> WebResponse:
        """Upload."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.web.request("PUT", path, body, {"Content-Type": type, **named})

    def uploaded(self, name: str = "a.png", body: bytes = PNG, type: str = "image/png") -> str:
        """Upload a file and give its path."""
        put, get = self.slot(name, len(body), type)
        self.assertEqual(self.put(put, body, type).status, 201)
        return get

    def get(self, path: str, method: str = "GET", **headers: str) -> WebResponse:
        """Fetch."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.web.request(method, path, headers=named)


def _path(slot: Element, name: str) -> str:
    found = slot.find(NS + name)
    assert found is not None
    return urlsplit(found.get("url") or "").path


class UploadTests(Base):
    """PUT."""

    def test_up_and_down(self) -> None:
        """201 with the address; it is what the slot said, and is not the one that was put to."""
        put, get = self.slot()
        self.assertNotEqual(put, get)
        answer = self.put(put)
        self.assertEqual((answer.status, answer.headers["location"]), (201, f"https://localhost{get}"))
        answer = self.get(get)
        self.assertEqual((answer.status, answer.body), (200, PNG))
        self.assertEqual(self.get(put).status, 404)

    def test_once(self) -> None:
        """A slot is used once; nobody overwrites a file, by its own address either."""
        put, get = self.slot()
        self.put(put)
        self.assertEqual(self.put(put, b"x" * len(PNG)).status, 403)
        self.assertEqual(self.put(get, b"x" * len(PNG)).status, 403)
        self.assertEqual(self.get(get).body, PNG)

    def test_ended_and_forged(self) -> None:
        """A slot that has ended, that nobody got, or that was got for another name."""
        put, _ = self.slot()
        self.assertEqual(self.put(put.replace("a.png", "b.html")).status, 404)
        self.assertEqual(self.put("/upload/forged/a.png").status, 403)
        self.memory.pass_time(SLOT_S)
        self.assertEqual(self.put(put).status, 403)

    def test_other_size(self) -> None:
        """XEP-0363 7: refused before it is read, and the slot is good still."""
        put, get = self.slot()
        self.assertEqual(self.put(put, PNG + b"x").status, 413)
        self.assertEqual(self.put(put, PNG[:-1]).status, 400)
        self.assertEqual(self.get(get).status, 404)
        chunked = (
            b"PUT %b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            % put.encode()
        )
        transport = self.web.connect()
        self.web.send(transport, chunked)
        self.assertIn(b"HTTP/1.1 411 ", bytes(transport.written))
        self.assertEqual(self.put(put).status, 201)

    def test_other_type(self) -> None:
        """XEP-0363 7: what was said before holds; parameters and case do not matter, nor does silence."""
        put, _ = self.slot()
        self.assertEqual(self.put(put, type="text/html").status, 415)
        self.assertEqual(self.put(put, type="Image/PNG; x=y").status, 201)
        put, _ = self.slot()
        self.assertEqual(self.web.request("PUT", put, PNG).status, 201)

    def test_half(self) -> None:
        """The connection is lost half-way: nothing is served, nothing is left, and it can be sent again."""
        put, get = self.slot()
        head = f"PUT {put} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(PNG)}\r\n\r\n".encode()
        transport = self.web.connect()
        self.web.send(transport, head + PNG[:100])
        self.assertEqual(self.get(get).status, 404)
        self.assertEqual(self.put(put).status, 409)
        transport.end()
        self.assertEqual([path for path in self.folder.rglob("*") if path.is_file()], [])
        self.assertEqual(self.put(put).status, 201)

    def test_disk_full(self) -> None:
        """507 where the disk is full, 503 where the record cannot be stored."""
        put, get = self.slot()
        self.memory.storage.failing = StorageFull("full")
        self.assertEqual(self.put(put).status, 503)
        self.memory.storage.failing = None
        (self.folder / "uploads" / "moving").rmdir()
        (self.folder / "uploads" / "moving").write_text("in the way")
        self.assertEqual(self.put(put).status, 507)
        self.assertEqual(self.get(get).status, 404)

    def test_other_methods(self) -> None:
        """RFC 9110 15.5.6; pages of other sites may ask (XEP-0363 8)."""
        put, _ = self.slot()
        answer = self.web.request("POST", put, b"x")
        self.assertEqual((answer.status, answer.headers["allow"]), (405, "DELETE, GET, HEAD, OPTIONS, PUT"))
        answer = self.web.request("OPTIONS", put)
        self.assertEqual(answer.headers["access-control-allow-origin"], "*")
        self.assertEqual(self.put(put).headers["access-control-allow-origin"], "*")

    def test_without_a_web_server(self) -> None:
        """Where nothing listens there are no slots."""
        memory = MemoryServer('[components."upload.localhost"]\nmodule = "upload"\n')
        client = memory.logged_in("romeo@localhost/x")
        client.send(
            "<iq type='get' id='s' to='upload.localhost'>"
            "<request xmlns='urn:xmpp:http:upload:0' filename='a' size='1'/></iq>"
        )
        self.assertEqual(client.inbox.popleft().get("type"), "error")


class DownloadTests(Base):
    """GET and HEAD."""

    def test_harmless(self) -> None:
        """XEP-0363 9.1: whatever it is, nothing of it runs and no type is guessed."""
        for name, body, type, shown, served in (
            ("a.png", PNG, "image/png", "inline", "image/png"),
            ("a.txt", b"<script>", "text/plain", "inline", "text/plain; charset=utf-8"),
            ("a.html", b"<script>", "text/html", "attachment", "application/octet-stream"),
            ("a.svg", b"<svg onload='x'/>", "image/svg+xml", "attachment", "application/octet-stream"),
            ("b.png", b"<script>", "image/png", "attachment", "application/octet-stream"),
            ("a.js", b"x()", "text/javascript", "attachment", "application/octet-stream"),
            ("a", b"x", "", "attachment", "application/octet-stream"),
        ):
            headers = self.get(self.uploaded(name, body, type)).headers
            self.assertEqual(headers["content-type"], served, name)
            self.assertTrue(headers["content-disposition"].startswith(f'{shown}; filename="{name}"'), name)
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertIn("sandbox", headers["content-security-policy"])
            self.assertIn("default-src 'none'; media-src 'self'", headers["content-security-policy"])
            self.assertNotIn("script", headers["content-security-policy"])

    def test_parts_and_conditions(self) -> None:
        """HEAD, ranges (RFC 9110 14), and who has it already (13)."""
        path = self.uploaded()
        answer = self.get(path, "HEAD")
        self.assertEqual((answer.status, answer.headers["content-length"]), (200, str(len(PNG))))
        etag = answer.headers["etag"]
        answer = self.get(path, Range="bytes=0-3")
        self.assertEqual((answer.status, answer.body), (206, PNG[:4]))
        self.assertEqual(self.get(path, Range="bytes=5000-").status, 416)
        self.assertEqual(self.get(path, If_None_Match=etag).status, 304)
        self.assertIn("immutable", answer.headers["cache-control"])

    def test_what_is_not_there(self) -> None:
        """Another name, another id, another path."""
        path = self.uploaded()
        id = path.split("/")[2]
        for other in (
            path.replace("a.png", "b.png"),
            f"/upload/{id}x/a.png",
            f"/upload/{id}",
            f"/upload/{id}/a.png/",
            f"/upload/{id[:2]}%2f{id}/a.png",
            "/upload/..%2f..%2fxmppd.sqlite/a.png",
            "/upload/%2e%2e/a.png",
            f"/upload/{id}/a.png%00",
        ):
            self.assertIn(self.get(other).status, (400, 404), other)

    def test_lost(self) -> None:
        """A file that somebody has deleted is not there."""
        path = self.uploaded()
        upload = now(self.memory.server.services[Uploads].of_account("romeo@localhost"))[0]
        os.unlink(self.memory.server.services[Uploads].place_of(upload))
        self.assertEqual(self.get(path).status, 404)

    def test_of_another_service(self) -> None:
        """A file is served by the service that it was uploaded to."""
        path = self.uploaded()
        options = OPTIONS.format(folder=self.folder).replace("upload.localhost", "other.localhost")
        other = MemoryWeb(MemoryServer(options, storage=self.memory.storage))
        self.assertEqual(other.request("GET", path).status, 404)


class CommandTests(Base):
    """What users see of their files."""

    def command(self, node: str, client: Client, session: str = "", form: str = "") -> Element:
        """Run a command, or go on with it; give the answer."""
        attrs = f"node='{node}'" + (f" sessionid='{session}'" if session else "")
        client.send(
            f"<iq type='set' id='c' to='localhost'><command xmlns='{NS_COMMANDS[1:-1]}' {attrs}>{form}</command></iq>"
        )
        return client.inbox.popleft()

    def test_listed_and_removed(self) -> None:
        """Their owner sees them and removes one; nobody else sees them."""
        kept, gone = self.uploaded("kept.png"), self.uploaded("gone.png")
        texts = [each.text for each in self.command("uploads/list", self.romeo).iter(NS_FORMS + "value")]
        self.assertIn("kept.png", texts)
        self.assertIn("gone.png", texts)
        chosen = self.command("uploads/remove", self.romeo)
        options = {each.get("label"): each[0].text for each in chosen.iter(NS_FORMS + "option")}
        id = next(id for label, id in options.items() if label and label.startswith("gone.png"))
        session = chosen[0].get("sessionid") or ""
        form = "<x xmlns='jabber:x:data' type='submit'><field var='file'><value>{}</value></field></x>"
        refused = self.command("uploads/remove", self.romeo, session, form.format("x"))
        self.assertEqual(refused.get("type"), "error")
        done = self.command("uploads/remove", self.romeo, session, form.format(id))
        self.assertEqual(done[0].get("status"), "completed")
        self.assertEqual((self.get(gone).status, self.get(kept).status), (404, 200))

    def test_of_others(self) -> None:
        """Who has none has none, and cannot remove those of others."""
        self.uploaded()
        juliet = self.memory.logged_in("juliet@localhost/balcony")
        answer = self.command("uploads/remove", juliet)
        self.assertEqual(answer[0].get("status"), "completed")
        self.assertNotIn("a.png", [each.text for each in self.command("uploads/list", juliet).iter()])


class NameTests(SynchronousTestCase):
    """Names in addresses and headers."""

    def test_fit(self) -> None:
        """They are single parts of a path, end no line and deceive nobody; else they are as they were."""
        for name, found in (
            ("très cool.jpg", "très cool.jpg"),
            ("a/b\\c", "a_b_c"),
            ("a\r\nSet-Cookie: b", "a__Set-Cookie: b"),
            ("cod\u202egnp.exe", "cod_gnp.exe"),
            ("..", ""),
            (" ", ""),
            ("x" * (NAME_BYTES + 1), ""),
            ("ü" * 127, "ü" * 127),
            ("ü" * 128, ""),
        ):
            self.assertEqual(fit(name), found)

    def test_in_url(self) -> None:
        """RFC 3986: what is not ASCII, and what means something, in percent signs (XEP-0363 4)."""
        self.assertEqual(in_url("très?#.jpg"), "tr%C3%A8s%3F%23.jpg")

    def test_disposition(self) -> None:
        """RFC 6266 4: no name ends the header, or a quoted string in it."""
        name = 'ü"; filename=x.exe\\%41'
        found = disposition(name, is_shown=False)
        self.assertEqual(
            found,
            "attachment; filename=\"__; filename=x.exe__41\"; filename*=UTF-8''%C3%BC%22%3B%20filename%3Dx.exe%5C%2541",
        )
        self.assertTrue(found.isascii())

"""Files of a folder over HTTP: what is sent, what is not read from the disk, and what has gone."""

from tests.net.http.test_connection import GET, HttpTestCase
from tests.temporary import temporary_folder
from xmppd.core.http import FileBody
from xmppd.testing.web import WebResponse


class FileTests(HttpTestCase):
    """Files as bodies."""

    def setUp(self) -> None:
        """Have a file."""
        super().setUp()
        self.path = temporary_folder(self) / "file"
        self.path.write_bytes(bytes(range(256)) * 4_000)
        self.module.file = FileBody(self.path, 1_024_000, "tag", 1_700_000_000)

    def get(self, **headers: str) -> WebResponse:
        """Ask for it."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.web.request("GET", "/file", headers=named)

    def test_whole(self) -> None:
        """With what others need to ask for it again."""
        response = self.get()
        self.assertEqual((response.status, response.body), (200, self.path.read_bytes()))
        self.assertEqual(response.headers["etag"], '"tag"')
        self.assertEqual(response.headers["last-modified"], "Tue, 14 Nov 2023 22:13:20 GMT")
        self.assertEqual(response.headers["accept-ranges"], "bytes")

    def test_a_part(self) -> None:
        """RFC 9110 14.2, 15.3.7, 15.5.17."""
        response = self.get(Range="bytes=254-257")
        self.assertEqual((response.status, response.body), (206, b"\xfe\xff\x00\x01"))
        self.assertEqual(response.headers["content-range"], "bytes 254-257/1024000")
        outside = self.get(Range="bytes=9999999-")
        self.assertEqual((outside.status, outside.headers["content-range"]), (416, "bytes */1024000"))

    def test_not_again(self) -> None:
        """RFC 9110 15.4.5: without a body, and without its length."""
        response = self.get(If_None_Match='"tag"')
        self.assertEqual((response.status, response.body), (304, b""))
        self.assertNotIn("content-length", response.headers)
        self.assertEqual(self.get(If_Match='"other"').status, 412)

    def test_it_is_gone_or_shorter(self) -> None:
        """404; and what is shorter than was told ends the connection, so that nobody takes it for whole."""
        self.path.write_bytes(b"short")
        transport = self.web.connect()
        self.web.send(transport, GET.replace(b"/hello/a", b"/file"))
        self.assertTrue(transport.disconnecting)
        self.path.unlink()
        self.assertEqual(self.get().status, 404)

    def test_nobody_takes_it(self) -> None:
        """The file is closed, and read no further, when the connection is gone."""
        transport = self.web.connect()
        pauses: list[None] = []

        def write(data: bytes) -> None:
            pauses.append(transport.producer.pauseProducing())

        self.patch(transport, "write", write)
        self.web.send(transport, GET.replace(b"/hello/a", b"/file"))
        self.assertEqual(len(pauses), 2)
        transport.end()
        self.memory.pass_time(100)
        self.assertEqual(len(pauses), 2)

"""Requests that mean two things, or too much (RFC 9112): the status, and the end of the connection."""

from tests.net.http.test_connection import GET, POST, HttpTestCase

HOST = b"Host: localhost\r\n"
WHOLE = {
    b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" % path
    for path in (b"hello", b"/hello/%zz%ff", b"/hello/%2e%2e")
} | {b"GET /hello/a HTTP/1.1\r\nHost: %s\r\n\r\n" % name for name in (b"a b", b"user@localhost")}
"""What is refused and leaves no doubt where it ends, so that the connection may stay."""
TABLE = (
    (b"GET /hello/a HTTP/1.1\r\n\r\n", 400),
    (b"GET /hello/a HTTP/1.1\r\n" + HOST * 2 + b"\r\n", 400),
    (b"GET /hello/a HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    (b"GET /hello/a HTTP/1.1\r\nHost: user@localhost\r\n\r\n", 400),
    (b"GET hello HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET /\xc3\xa4 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET /hello/%zz%ff HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET /hello/%2e%2e HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    (b"GET /hello/a HTTP/1.1\r\n" + HOST + b"X: a\r\n folded\r\n\r\n", 400),
    (b"GET /hello/a HTTP/1.1\r\n" + HOST + b"X : a\r\n\r\n", 400),
    (b"GET /hello/a HTTP/1.1\r\n" + HOST + b"X: a\nY: b\r\n\r\n", 400),
    (b"GET /hello/a HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n", 400),
    (b"GET /hello/a HTTP/2.0\r\n" + HOST + b"\r\n", 400),
    (b"nonsense\r\n", 400),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\r\n", 400),
    (POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400),
    (POST + b"Content-Length: 3, 3\r\n\r\nabc", 400),
    (POST + b"Content-Length: +3\r\n\r\nabc", 400),
    (POST + b"Content-Length: -3\r\n\r\nabc", 400),
    (POST + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n", 400),
    (POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    (POST + b"Transfer-Encoding: identity\r\n\r\n", 501),
    (POST + b"Transfer-Encoding: xchunked\r\n\r\n", 501),
    (POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
    (POST + b"Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 400),
    (b"GET /hello/a HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 20_000 + b"\r\n\r\n", 431),
    (b"GET /hello/a HTTP/1.1\r\n" + HOST + b"X: " + b"y" * 20_000, 431),
    (
        b"GET /hello/a HTTP/1.1\r\n" + HOST + b"".join(b"X%d: y\r\n" % n for n in range(150)) + b"\r\n",
        431,
    ),
    (
        b"GET /hello/a HTTP/1.1\r\n" + HOST + b"".join(b"X%d: yyyyy\r\n" % n for n in range(5_000)),
        431,
    ),
    (b"GET /hello/a?" + b"a&" * 200 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    (b"GET http://localhost/hello/a HTTP/1.1\r\n" + HOST + b"\r\n", 200),
    (b"GET http://other.example/hello/a HTTP/1.1\r\n" + HOST + b"\r\n", 421),
    (b"GET /hello/a HTTP/1.1\r\nHost: other.example\r\n\r\n", 421),
    (b"GET /hello/a HTTP/1.1\r\nHost: LOCALHOST:5280\r\n\r\n", 200),
    (b"GET /hello/a HTTP/1.1\r\nHost: 127.0.0.1:5280\r\n\r\n", 200),
    (b"GET /hello/a HTTP/1.1\r\nHost: [::1]:5280\r\n\r\n", 200),
    (b"\r\nGET /hello/a HTTP/1.1\r\n" + HOST + b"\r\n", 200),
)
"""What comes, and the status."""


class BadRequestTests(HttpTestCase):
    """RFC 9112: what could mean two things means nothing, and the connection ends."""

    def test_table(self) -> None:
        """The status for each."""
        for data, status in TABLE:
            transport = self.web.connect()
            for piece in (data[:7], data[7:]):
                self.web.send(transport, piece)
            self.assertEqual(bytes(transport.written)[:12], b"HTTP/1.1 %d" % status, data[:200])
            self.assertEqual(bytes(transport.written).count(b"HTTP/1.1 "), 1, data[:200])
            self.assertEqual(
                transport.disconnecting, status not in (200, 421) and data not in WHOLE, data[:200]
            )

    def test_nothing_after_it_is_read(self) -> None:
        """What stands behind a request that was refused is no request."""
        transport = self.web.connect()
        self.web.send(transport, POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc" + GET)
        self.web.send(transport, GET)
        self.assertEqual(self.module.requests, [])
        self.assertTrue(transport.disconnecting)

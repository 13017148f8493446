"""HTTP over real sockets: with and without TLS, a large body and its back-pressure, the end of the server."""

import contextlib
import http.client
import socket
import ssl

from twisted.trial.unittest import SynchronousTestCase

from tests.sockets.process import ServerProcess, shared_server

HERE = "127.0.0.1"
OPTIONS = '[http]\nlisten = ["127.0.0.1:0"]\ntls_listen = ["127.0.0.1:0"]\nhead_timeout_s = 1.0\n'


def server() -> ServerProcess:
    """One server for all tests here."""
    return shared_server(OPTIONS)


class HttpTests(SynchronousTestCase):
    """A running server."""

    def test_a_page(self) -> None:
        """Requests on one connection, without TLS."""
        connection = http.client.HTTPConnection(HERE, server().ports["HTTP"], timeout=20)
        self.addCleanup(connection.close)
        for _ in range(3):
            connection.request("GET", "/", headers={"Host": "localhost"})
            response = connection.getresponse()
            self.assertEqual(response.status, 200)
            self.assertIn(b"localhost is an XMPP server", response.read())

    def test_tls(self) -> None:
        """The certificate is that of the domain."""
        trust = ssl.create_default_context(cafile=str(server().certificate))
        trust.set_alpn_protocols(["h2", "http/1.1"])
        plain = socket.create_connection((HERE, server().ports["HTTPS"]), 20)
        answer = b""
        with plain, trust.wrap_socket(plain, server_hostname="localhost") as secure:
            self.assertEqual(secure.selected_alpn_protocol(), "http/1.1")
            secure.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while data := secure.recv(65_536):
                answer += data
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer[:100])
        self.assertIn(b"Connection: close\r\n", answer)

    def test_an_answer_arrives_though_more_is_sent(self) -> None:
        """RFC 9112 9.6: what is sent behind a refusal does not destroy it."""
        with socket.create_connection((HERE, server().ports["HTTP"]), 20) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n")
            client.sendall(b"x" * 100_000)
            self.assertTrue(client.recv(65_536).startswith(b"HTTP/1.1 405 "))

    def test_silence(self) -> None:
        """Who says nothing is sent away, also before TLS."""
        for kind in ("HTTP", "HTTPS"):
            with socket.create_connection((HERE, server().ports[kind]), 20) as client:
                client.settimeout(20)
                with contextlib.suppress(
                    ConnectionResetError
                ):  # in the middle of a handshake nothing can be said
                    self.assertEqual(client.recv(1), b"")

"""Who may use a session over HTTP, how fast, and how many of them."""

from tests.net.http.bosh import PING, PRESENCE, BOSHTestCase


class PaceTests(BOSHTestCase):
    """``limits.bytes_per_second``, as on TCP."""

    options = "[limits]\nbytes_per_second = 10_000\nburst_bytes = 65_536\n"

    def test_who_sends_too_much(self) -> None:
        """Its requests are handled later, in their order."""
        self.client.log_in()
        big = f"<message xmlns='jabber:client' to='romeo@localhost/orchard'><a>{'x' * 50_000}</a></message>"
        self.client.send(big)
        self.client.send(big)
        pinging = self.client.send(PING)
        self.assertIsNone(self.client.read(pinging))
        self.pass_time(20)
        answer, ids = self.client.read(pinging), []
        for _ in range(4):
            ids += [child.get("id") for child in (answer if answer is not None else ())]
            answer = self.client.read(self.client.send(PRESENCE)) if "p" not in ids else None
        self.assertIn("p", ids)


class SecurityTests(BOSHTestCase):
    """Who may connect, and from where."""

    options = '[http]\norigins = ["https://other.example"]\n[limits]\nconnections_per_address = 6\n'

    def test_origins(self) -> None:
        """Pages of other sites may connect where the configuration names them; a browser hears that they may."""
        for origin, status in (
            ("https://other.example", 200),
            ("http://localhost", 200),
            ("https://evil.example", 403),
        ):
            self.client.headers = f"Origin: {origin}\r\n"
            response = self.client.response(self.client.post("rid='1' to='localhost'"))
            assert response is not None
            self.assertEqual(response.status, status)
            allowed = origin if status == 200 else None
            self.assertEqual(response.headers.get("access-control-allow-origin"), allowed)
            preflight = self.web.request("OPTIONS", "/http-bind", headers={"Origin": origin})
            self.assertEqual(preflight.headers.get("access-control-allow-origin"), allowed)

    def test_a_secure_session_stays_so(self) -> None:
        """19.1: a request for it that came in the clear is refused, and does it no harm."""
        self.client.headers = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"
        self.client.log_in()
        self.client.headers = "X-Forwarded-For: 192.0.2.1\r\n"
        response = self.client.response(self.client.send(PING))
        assert response is not None
        self.assertEqual(response.status, 403)
        self.client.headers = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"
        self.client.rid -= 1
        self.assertEqual(self.client.ask(PING)[0].get("id"), "p")

    def test_so_many_of_an_address(self) -> None:
        """Sessions count like connections, for the client behind a proxy."""
        self.client.headers = "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n"
        statuses = []
        for rid in range(7):
            response = self.client.response(self.client.post(f"rid='{rid}' to='localhost'"))
            assert response is not None
            statuses.append(response.status)
        self.assertEqual(statuses, [200] * 6 + [429])


class HeldTests(BOSHTestCase):
    """A request that waits keeps what its response needs."""

    options = '[http]\norigins = ["https://other.example"]\n'

    def test_origin(self) -> None:
        """The page of another site that has sent it may read the response, however late that comes."""
        self.client.headers = "Origin: https://other.example\r\n"
        self.client.log_in()
        waiting = self.client.send()
        self.pass_time(60)
        response = self.client.response(waiting)
        assert response is not None
        self.assertEqual(response.headers["access-control-allow-origin"], "https://other.example")

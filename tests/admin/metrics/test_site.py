"""The small site for machines, over HTTP on a transport in memory."""

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from xmppd.admin.metrics.site import Page, monitoring_site


def give(accept: str) -> Deferred[tuple[bytes, str]]:
    """A page that says how it was asked for."""
    return succeed((f"asked for {accept}\n".encode(), "text/x-metrics"))


class SiteTests(SynchronousTestCase):
    """What each path answers."""

    def setUp(self) -> None:
        self.obstacles: list[str] = []

    def ask(self, path: str, method: str = "GET", page: Page = give) -> tuple[int, dict[str, str], str]:
        """Give status, headers and body."""
        protocol = monitoring_site(page, lambda: self.obstacles).buildProtocol(
            IPv4Address("TCP", "127.0.0.1", 1)
        )
        transport = StringTransport()
        protocol.makeConnection(transport)
        request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\nConnection: close\r\n\r\n"
        protocol.dataReceived(request.encode())
        head, _, body = transport.value().decode().partition("\r\n\r\n")
        status, *lines = head.split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return int(status.split()[1]), headers, body

    def test_metrics(self) -> None:
        """The page with its own content type, as the ``Accept`` header wants it."""
        status, headers, body = self.ask("/metrics")
        self.assertEqual((status, body), (200, "asked for text/plain\n"))
        self.assertEqual(headers["content-type"], "text/x-metrics")

    def test_head(self) -> None:
        """HEAD gives the same without the body (RFC 9110 9.3.2)."""
        status, headers, body = self.ask("/metrics", "HEAD")
        self.assertEqual((status, headers["content-length"], body), (200, "21", ""))

    def test_metrics_that_cannot_be_given(self) -> None:
        """It is logged, and the monitoring system hears of it."""
        status, _, _ = self.ask("/metrics", page=lambda accept: fail(ZeroDivisionError()))
        self.assertEqual(status, 500)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_health(self) -> None:
        """Live is who answers; ready is who has no obstacle, and others say which."""
        self.assertEqual(self.ask("/health/live")[::2], (200, "ok\n"))
        self.assertEqual(self.ask("/health/ready")[::2], (200, "ok\n"))
        self.obstacles = ["the disk is full", "and more"]
        self.assertEqual(self.ask("/health/live")[::2], (200, "ok\n"))
        status, headers, body = self.ask("/health/ready")
        self.assertEqual((status, body), (503, "the disk is full\nand more\n"))
        self.assertEqual(headers["cache-control"], "no-store")

    def test_what_is_not_there(self) -> None:
        """404 for another path, 405 for another method."""
        self.assertEqual(self.ask("/nowhere")[0], 404)
        self.assertEqual(self.ask("/health")[0], 404)
        self.assertEqual(self.ask("/metrics", "POST")[0], 405)
        self.assertEqual(self.flushWarnings(), [])

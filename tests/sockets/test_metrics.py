"""Monitoring of a real server: scraped by Prometheus' own parser while messages flow, and its health at the start."""

import socket
import ssl
from contextlib import closing
from threading import Event, Thread
from urllib.error import HTTPError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families
from twisted.trial.unittest import SynchronousTestCase

from tests.sockets.client import PlainClient
from tests.sockets.process import PATIENCE_S, ServerProcess
from tests.temporary import temporary_folder

PASSWORD = "a good password"
OPTIONS = """
require_tls = false
allow_plain_without_tls = true
[metrics]
listen = ["127.0.0.1:0"]
[hosts."localhost"]
"""
MESSAGES = 600
Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


class MetricsTests(SynchronousTestCase):
    """One server, with two clients on it."""

    def setUp(self) -> None:
        accounts = (("romeo@localhost", PASSWORD), ("juliet@localhost", PASSWORD))
        self.server = ServerProcess(temporary_folder(self), OPTIONS, accounts)
        self.addCleanup(self.server.stop)

    def get(self, path: str) -> str:
        """Ask the site."""
        with urlopen(f"http://127.0.0.1:{self.server.ports['metrics']}{path}", timeout=PATIENCE_S) as answer:
            body: bytes = answer.read()
        return body.decode()

    def scrape(self) -> Values:
        """Give all samples by name and labels."""
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.get("/metrics"))
            for sample in family.samples
        }

    def client(self, name: str) -> PlainClient:
        """Give a client that is logged in."""
        client = PlainClient(("127.0.0.1", self.server.ports["STARTTLS"]), f"{name}@localhost/x", PASSWORD)
        self.addCleanup(client.close)
        return client

    def test_scraped_under_load(self) -> None:
        """What is counted never falls while messages flow, and all of them are counted at the end."""
        romeo, juliet = self.client("romeo"), self.client("juliet")
        before = self.scrape()
        seen, is_over = [before], Event()

        def scrape() -> None:
            while not is_over.is_set():
                seen.append(self.scrape())

        scraper = Thread(target=scrape)
        scraper.start()
        for number in range(MESSAGES):
            romeo.send(f"<message to='juliet@localhost/x' type='chat'><body>{number}</body></message>")
        received = [juliet.body() for _ in range(MESSAGES)]
        is_over.set()
        scraper.join()
        after = self.scrape()
        self.assertEqual(received, list(map(str, range(MESSAGES))))
        for direction in ("in", "out"):
            labels = {"peer": "client", "direction": direction, "kind": "message"}
            key = ("xmppd_stanzas_total", frozenset(labels.items()))
            self.assertEqual(after[key] - before[key], MESSAGES, direction)
        self.assertGreater(len(seen), 2)
        for earlier, later in zip(seen, [*seen[1:], after], strict=True):
            for key, value in earlier.items():
                if key[0].endswith(("_total", "_bucket", "_count", "_sum")):
                    self.assertGreaterEqual(later[key], value, key)
        self.assertGreater(after["process_open_fds", frozenset()], 0)
        self.assertGreater(after["xmppd_storage_commits_total", frozenset()], 0)

    def test_handshakes(self) -> None:
        """They are counted by the version that was agreed on."""
        context = ssl.create_default_context(cafile=str(self.server.certificate))
        raw = socket.create_connection(("127.0.0.1", self.server.ports["TLS"]), PATIENCE_S)
        with closing(raw), context.wrap_socket(raw, server_hostname="localhost") as secure:
            version = secure.version()
            secure.sendall(
                b"<stream:stream to='localhost' version='1.0' xmlns='jabber:client'"
                b" xmlns:stream='http://etherx.jabber.org/streams'>"
            )
            secure.recv(1)  # it has heard of the handshake by then
            labels = frozenset({"peer": "client, direct", "version": str(version)}.items())
            self.assertEqual(self.scrape()["xmppd_tls_handshakes_total", labels], 1)

    def test_health(self) -> None:
        """A server that is up is live and ready; what is not there is not found."""
        self.assertEqual(self.get("/health/live"), "ok\n")
        self.assertEqual(self.get("/health/ready"), "ok\n")
        missing = self.assertRaises(HTTPError, self.get, "/")
        self.assertEqual(missing.code, 404)
        missing.close()

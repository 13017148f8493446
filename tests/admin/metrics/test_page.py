"""The page of metrics of a server in memory, read by Prometheus' own parser."""

from base64 import b64encode
from datetime import UTC, datetime

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as families
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.admin.metrics.measured import Measured
from xmppd.admin.metrics.measuring import measured
from xmppd.admin.metrics.page import page
from xmppd.admin.metrics.table import TABLE
from xmppd.testing.server import MemoryServer

OPTIONS = """
[hosts."localhost"]
[components."rooms.localhost"]
module = "muc"
[components."gateway.localhost"]
secret = "x"
"""
END = datetime(2030, 1, 1, tzinfo=UTC)


class Certificate:
    """One that ends one day."""

    expires_at = END


Values = dict[tuple[str, tuple[str, ...]], float]


def parts_of(memory: MemoryServer) -> Measured:
    """Give what is measured of a server in memory."""
    server = memory.server
    peers = server.peers(None)
    return measured(
        server.core, server.addresses, peers, (memory.factory,), lambda: {"localhost": Certificate()}
    )


def values(body: bytes) -> Values:
    """Give all samples, by name and the values of their labels in the table's order."""
    labels = {metric.name: metric.labels for metric in TABLE}
    return {
        (sample.name, tuple(sample.labels[label] for label in labels.get(sample.name, ()))): sample.value
        for family in families(body.decode())
        for sample in family.samples
    }


class PageTests(SynchronousTestCase):
    """What a scrape gives."""

    def setUp(self) -> None:
        self.memory = MemoryServer(OPTIONS)
        self.parts = parts_of(self.memory)

    def scrape(self) -> Values:
        """Give what there is now."""
        body, _ = self.successResultOf(page(self.parts, ""))
        return values(body)

    def test_sessions_and_stanzas(self) -> None:
        """A login, presence and a message are counted, in and out."""
        romeo, juliet = (self.memory.logged_in(f"{name}@localhost/x") for name in ("romeo", "juliet"))
        romeo.send("<presence/>")
        before = self.scrape()
        romeo.send("<message to='juliet@localhost/x' id='1' type='chat'><body>hi</body></message>")
        self.assertEqual(juliet.inbox.popleft().get("id"), "1")
        found = self.scrape()
        self.assertEqual(found["xmppd_sessions", ("localhost", "available", "tcp")], 1)
        self.assertEqual(found["xmppd_sessions", ("localhost", "connected", "tcp")], 1)
        for direction in ("in", "out"):
            key = ("xmppd_stanzas_total", ("client", direction, "message"))
            self.assertEqual(found[key] - before[key], 1, direction)
        self.assertGreater(found["xmppd_stanzas_total", ("client", "in", "presence")], 0)
        self.assertGreater(
            found["xmppd_storage_commits_total", ()], before["xmppd_storage_commits_total", ()]
        )
        self.assertEqual(found["xmppd_connections", ("client", "starttls")], 2)

    def test_copies_for_many(self) -> None:
        """What is serialised once for many is counted for each."""
        names = ("a", "b", "c")
        clients = [self.memory.logged_in(f"{name}@localhost/x") for name in names]
        for name, client in zip(names, clients, strict=True):
            client.send(
                f"<presence to='r@rooms.localhost/{name}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
            )
            clients[0].send(
                "<iq type='set' id='0' to='r@rooms.localhost'><query xmlns='http://jabber.org/protocol/muc#owner'>"
                "<x xmlns='jabber:x:data' type='submit'/></query></iq>"
            )
        self.memory.settle()
        before = self.scrape()
        clients[0].send("<message to='r@rooms.localhost' type='groupchat' id='1'><body>hi</body></message>")
        self.memory.settle()
        found = self.scrape()
        sent = ("xmppd_stanzas_total", ("client", "out", "message"))
        self.assertEqual(found[sent] - before[sent], 3)
        self.assertEqual(found["xmppd_rooms", ("rooms.localhost",)], 1)
        received = ("xmppd_stanzas_total", ("rooms.localhost", "out", "message"))
        self.assertEqual(found[received] - before[received], 1)

    def test_logins(self) -> None:
        """They are counted by host and mechanism, and so are failures."""
        self.memory.logged_in("romeo@localhost/x")
        client = self.memory.client("juliet@localhost")
        self.successResultOf(Deferred.fromCoroutine(client.secure()))
        wrong = b64encode(b"\0juliet\0wrong").decode()
        client.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{wrong}</auth>")
        found = self.scrape()
        by = ("localhost", "PLAIN")
        self.assertEqual(found["xmppd_logins_total", by], 1)
        self.assertEqual(found["xmppd_login_failures_total", by], 1)

    def test_a_session_without_a_connection(self) -> None:
        """It hibernates."""
        romeo = self.memory.logged_in("romeo@localhost/x")
        romeo.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        self.memory.settle()
        assert romeo.carrier is not None
        romeo.carrier.lose()
        found = self.scrape()
        self.assertEqual(found["xmppd_sessions", ("localhost", "hibernating", "")], 1)

    def test_every_metric_is_there(self) -> None:
        """Each row of the table gives a family with its kind, its text and just its labels, in both formats."""
        self.memory.logged_in("romeo@localhost/x")
        self.memory.component("gateway.localhost", "x")
        text, _ = self.successResultOf(page(self.parts, ""))
        wide, content_type = self.successResultOf(page(self.parts, "application/openmetrics-text"))
        self.assertTrue(content_type.startswith("application/openmetrics-text"))
        for body, parse in ((text, families), (wide, openmetrics)):
            found = {family.name: family for family in parse(body.decode())}
            self.assertEqual(found.keys(), {metric.name.removesuffix("_total") for metric in TABLE})
            for metric in TABLE:
                family = found[metric.name.removesuffix("_total")]
                self.assertEqual((family.type, family.documentation), (metric.kind, metric.text))
                for sample in family.samples:
                    self.assertEqual(sample.labels.keys() - {"le"}, set(metric.labels), sample)

    def test_odd_wishes(self) -> None:
        """An ``Accept`` that makes no sense is none (RFC 9110 12.5.1)."""
        for accept in ("application/openmetrics-text; version=abc", ";;;,", "\0"):
            body, content_type = self.successResultOf(page(self.parts, accept))
            self.assertTrue(content_type.startswith("text/plain"), accept)
            self.assertIn(("xmppd_info", (self.parts.version,)), values(body))

    def test_certificates(self) -> None:
        """Their ends are in seconds since 1970."""
        found = self.scrape()
        self.assertEqual(found["xmppd_certificate_expiry_timestamp_seconds", ("localhost",)], END.timestamp())

    def test_many_sessions_are_counted_in_turns(self) -> None:
        """A scrape of many sessions lets others have their turn, and comes all the same."""
        for number in range(80):
            self.memory.logged_in(f"u{number % 4}@localhost/{number}")
        self.memory.pass_time(1)
        self.parts.turns.budget = 48
        scraped = page(self.parts, "")
        self.assertNoResult(scraped)
        self.memory.pass_time(1)
        body, _ = self.successResultOf(scraped)
        self.assertEqual(values(body)["xmppd_sessions", ("localhost", "connected", "tcp")], 80)

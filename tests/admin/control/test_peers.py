"""Other servers, as an operator sees them."""

from dataclasses import replace
from typing import Any

from tests.admin.control.bench import ControlBench
from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two
from xmppd.admin.control.service import offer
from xmppd.core.operations.showing import Grid
from xmppd.core.outgoing import Pin, Service


class PeersTests(Two):
    """The commands at Juliet's server."""

    def setUp(self) -> None:
        """Give them the server."""
        super().setUp()
        self.bench = ControlBench()
        parts = replace(self.bench.parts, peers=self.capulet.peers, hosts=self.capulet.server.hosts)
        offer(self.bench.commands, parts)

    def queue(self) -> dict[str, Any]:
        """Give the one queue."""
        (found,) = self.bench.do("s2s.show", domain=MONTAGUE)["queues"]
        assert isinstance(found, dict)
        return found

    def test_streams_and_queues(self) -> None:
        """Both directions, how each is authenticated, and the counters."""
        self.say("Wherefore")
        self.answer("Shall I")
        (row,) = self.bench.do("s2s.list")["streams"]
        self.assertEqual((row["direction"], row["theirs"]), ("out+in", MONTAGUE))
        self.assertEqual((self.queue()["state"], self.queue()["waiting"]), ("open", 0))

    def test_a_stream_for_each_direction(self) -> None:
        """Where the other end does not take both on one; how each is authenticated, and the counters."""
        server = self.montague.server
        apart = server.config.s2s.model_copy(update={"bidirectional": False})
        server.take(server.config.model_copy(update={"s2s": apart}))
        self.say("Wherefore")
        self.answer("Shall I")
        found = self.bench.do("s2s.list")
        self.assertEqual(
            [(row["direction"], row["theirs"], row["by"], row["names"]) for row in found["streams"]],
            [("in", MONTAGUE, "EXTERNAL", [MONTAGUE]), ("out", MONTAGUE, "EXTERNAL", [MONTAGUE])],
        )
        self.assertEqual(found["streams"][0]["proven"], [f"{MONTAGUE} -> {CAPULET}"])
        self.assertEqual((found["counters"]["sent"], found["counters"]["received"]), (1, 1))

    def test_as_dns_says(self) -> None:
        """Which of them shows the certificate that its TLSA records say, both ways."""
        server = self.montague.server
        apart = server.config.s2s.model_copy(update={"bidirectional": False})
        server.take(server.config.model_copy(update={"s2s": apart}))
        dane = self.capulet.server.config.s2s.model_copy(update={"dane": True})
        self.capulet.server.take(self.capulet.server.config.model_copy(update={"s2s": dane}))
        self.network.names["xmpp.example"] = (self.montague.address,)
        self.network.records[f"_xmpp-server._tcp.{MONTAGUE}"] = (Service(0, 0, 5269, "xmpp.example", True),)
        self.network.pins_of["xmpp.example", 5269] = (Pin(3, 1, 0, MONTAGUE.encode()),)
        self.say("Wherefore")
        self.answer("Shall I")
        found = self.bench.do("s2s.show", domain=MONTAGUE)
        self.assertEqual(
            [(row["direction"], row["by"], row["trusted"], row["pinned"]) for row in found["streams"]],
            [("in", "DANE", True, True), ("out", "EXTERNAL", True, True)],
        )
        operation = self.bench.commands.get("s2s.show")
        assert operation is not None
        streams, *_ = operation.shows(found, {})
        assert isinstance(streams, Grid)
        certificates = [row[streams.headings.index("Certificate")] for row in streams.rows]
        self.assertEqual(certificates, [f"{MONTAGUE} (DANE)"] * 2)

    def test_what_fails_is_told_and_tried_at_once(self) -> None:
        """The last error, when it is tried next, and an attempt before that."""
        self.montague.vanish()
        self.say("Wherefore")
        found = self.queue()
        self.assertEqual((found["state"], found["waiting"]), ("backing off", 1))
        self.assertIn("does not answer", found["error"])
        self.assertIsNotNone(found["retry_at"])
        self.montague.listen()
        self.assertEqual(self.bench.do("s2s.connect", domain=MONTAGUE)["state"], "looking")
        self.settle()
        self.assertEqual(self.came(self.romeo), ["message chat Wherefore"])

    def test_who_is_not_connected_to(self) -> None:
        """Nobody here, and nobody from elsewhere."""
        for names, identifier, why in (
            ({"domain": CAPULET}, "not-possible", f"{CAPULET} is a domain of this server"),
            (
                {"domain": MONTAGUE, "host": "verona.example"},
                "no-such-host",
                "verona.example is no domain of",
            ),
        ):
            refusal = self.bench.refusal("s2s.connect", **names)
            self.assertEqual(refusal[0], identifier)
            self.assertIn(why, refusal[1])
        self.assertEqual(self.bench.do("s2s.list")["queues"], [])

    def test_close(self) -> None:
        """Streams end, what waits goes back."""
        self.say("Wherefore")
        self.assertEqual(self.bench.do("s2s.close", domain=MONTAGUE), {"streams": 1, "queues": 1})
        self.settle()
        self.assertEqual(self.bench.do("s2s.list")["streams"], [])
        self.assertEqual(self.bench.refusal("s2s.close", domain="verona.example")[0], "no-such-peer")

    def test_a_server_without_others(self) -> None:
        """The reason is told."""
        self.assertEqual(ControlBench().refusal("s2s.list")[0], "not-federated")

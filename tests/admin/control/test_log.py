"""The log's level, following it, and watching stanzas."""

from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench
from xmppd.core import events

MESSAGE = "<message to='juliet@localhost' type='chat'><body>a secret &amp; more</body></message>"


class LogTests(SynchronousTestCase):
    """`log.level`, `log.follow`."""

    def setUp(self) -> None:
        self.bench = ControlBench()
        self.log = Logger(namespace="xmppd.test")

    def lines(self) -> list[str]:
        """Give the sentences that were told so far, and forget them."""
        told = [each["line"].partition("xmppd.test ")[2] for each in self.bench.progress]
        self.bench.progress.clear()
        return [line for line in told if line]

    def test_level(self) -> None:
        """It is told, and set; no other word is one."""
        self.assertEqual(self.bench.do("log.level"), {"level": "info"})
        self.assertEqual(self.bench.do("log.level", level="debug"), {"level": "debug"})
        self.assertEqual(self.bench.do("log.level"), {"level": "debug"})
        self.assertEqual(self.bench.refusal("log.level", level="loud")[0], "bad-arguments")

    def test_follow(self) -> None:
        """Lines from now on, of the level that is asked for and above; nothing once nobody follows."""
        running = self.bench.begin("log.follow", level="warn")
        self.log.info("too little")
        self.log.warn("a warning of {what}", what="rain")
        self.assertEqual(self.lines(), ["a warning of rain"])
        running.cancel()
        self.log.warn("nobody listens")
        self.assertEqual(self.lines(), [])

    def test_while_somebody_follows_all_is_heard(self) -> None:
        """So that the lines are made, however little is written."""
        log = self.bench.parts.log
        assert log is not None
        self.assertFalse(log.hears("debug"))
        running = self.bench.begin("log.follow", level="debug")
        self.assertTrue(log.hears("debug"))
        running.cancel()
        self.assertFalse(log.hears("debug"))

    def test_follow_one(self) -> None:
        """What names the account or one of its sessions, and what its streams say from then on."""
        running = self.bench.begin("log.follow", jid="romeo@localhost")
        self.addCleanup(running.cancel)
        self.log.info("Bound as {jid}", jid="romeo@localhost/x", stream="s1")
        self.log.info("Stream ended", stream="s1")
        self.log.info("Bound as {jid}", jid="romeon@localhost/x", stream="s2")
        self.log.info("Authenticated as {user}@{host}", user="romeo", host="localhost", stream="s3")
        self.log.info("nobody's")
        self.assertEqual(
            self.lines(),
            ["[s1] Bound as romeo@localhost/x", "[s1] Stream ended", "[s3] Authenticated as romeo@localhost"],
        )


class WatchTests(SynchronousTestCase):
    """`watch.stanzas`."""

    def setUp(self) -> None:
        self.bench = ControlBench()
        self.memory = self.bench.memory
        self.romeo = self.memory.logged_in("romeo@localhost/orchard")
        self.juliet = self.memory.logged_in("juliet@localhost/balcony")
        self.juliet.send("<presence/>")
        self.memory.settle()

    def watched(self) -> list[tuple[str, str, str]]:
        """Give what was told of messages, and forget all."""
        told = [(each["way"], each["jid"], each["stanza"]) for each in self.bench.progress]
        self.bench.progress.clear()
        return [each for each in told if each[2].startswith("<message")]

    def test_both_ways(self) -> None:
        """What one client sends and is sent; what it contains is left out, its structure is not."""
        running = self.bench.begin("watch.stanzas", jid="juliet@localhost")
        self.romeo.send(MESSAGE)
        self.memory.settle()
        ((way, jid, stanza),) = self.watched()
        self.assertEqual((way, jid), ("out", "juliet@localhost/balcony"))
        self.assertNotIn("secret", stanza)
        self.assertIn("<body>…</body>", stanza)
        self.juliet.send(
            "<message to='romeo@localhost' type='chat'><body><![CDATA[a <secret>]]></body></message>"
        )
        self.memory.settle()
        ((way, _, stanza),) = self.watched()
        self.assertEqual(way, "in")
        self.assertNotIn("secret", stanza)
        running.cancel()

    def test_bodies(self) -> None:
        """Where they are asked for."""
        running = self.bench.begin("watch.stanzas", jid="juliet@localhost", bodies=True)
        self.addCleanup(running.cancel)
        self.romeo.send(MESSAGE)
        self.memory.settle()
        self.assertIn("a secret &amp; more", self.watched()[0][2])

    def test_one_session_and_later_ones(self) -> None:
        """A full JID is one session alone; of an account also those that come later."""
        one = self.bench.begin("watch.stanzas", jid="juliet@localhost/other")
        self.romeo.send(MESSAGE)
        self.memory.settle()
        self.assertEqual(self.watched(), [])
        one.cancel()
        every = self.bench.begin("watch.stanzas", jid="juliet@localhost")
        self.addCleanup(every.cancel)
        self.memory.logged_in("juliet@localhost/other").send("<presence/>")
        self.memory.settle()
        self.bench.progress.clear()
        self.romeo.send(MESSAGE)
        self.memory.settle()
        self.assertEqual(len(self.watched()), 2)

    def test_nothing_is_left(self) -> None:
        """Once nobody watches, no filter and no handler is there."""
        session = self.bench.server.registry.get("juliet@localhost/balcony")
        assert session is not None
        hooks = self.bench.server.hosts["localhost"].hooks
        before = session.stanza_filters, hooks.handlers(events.CLIENT_STANZA)
        running = self.bench.begin("watch.stanzas", jid="juliet@localhost")
        self.assertNotEqual((session.stanza_filters, hooks.handlers(events.CLIENT_STANZA)), before)
        running.cancel()
        self.assertEqual((session.stanza_filters, hooks.handlers(events.CLIENT_STANZA)), before)

    def test_hosts_are_not_watched(self) -> None:
        """All that goes on is too much."""
        refused = self.failureResultOf(self.bench.commands.run("watch.stanzas", {"jid": "localhost"}))
        self.assertEqual(refused.value.id, "bad-arguments")

"""Archives (XEP-0313) where a dialogue does not reach: one transaction, faults, bounds, retention, tombstones."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.modules.mam.module import Mam
from xmppd.services.archive.archive import Archive
from xmppd.services.archive.ids import STORE
from xmppd.services.archive.preferences import NO_PREFERENCES, Preferences, decode, encode
from xmppd.services.archive.preferences import STORE as PREFERENCES
from xmppd.services.archive.retention import BATCH, DAY_S, EVERY_S, FIRST_AFTER_S
from xmppd.services.archive.retractions import MAX_WAITING_OF_ONE, PAUSE_S
from xmppd.services.inbox.records import STORE as INBOX
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Append, Entry, NewEntry, Put, StorageFailed
from xmppd.testing.server import MemoryServer, now

JULIET, ROMEO = "juliet@localhost", "romeo@localhost"


RETRACT = "<retract xmlns='urn:xmpp:message-retract:1' id='oops'/>"


class Stage(SynchronousTestCase):
    """A whole server in memory."""

    options = ""

    def setUp(self) -> None:
        """Romeo is there, Juliet is not."""
        self.memory = MemoryServer(self.options)
        self.archive = self.memory.server.services[Archive]
        self.romeo = self.memory.logged_in(f"{ROMEO}/orchard")
        self.memory.add_account(JULIET)

    def say(self, *texts: Any, content: str = "") -> None:
        """Romeo sends chat messages with these bodies."""
        for text in texts:
            self.romeo.send(
                f"<message to='{JULIET}' type='chat' id='{text}'><body>{text}</body>{content}</message>"
            )

    def stored(self, owner: str, store: str = STORE) -> list[Entry]:
        """Give the newest entries of an account."""
        entries: list[Entry] = now(self.memory.storage.read(store, owner, limit=1000))
        return entries


class ArchiveTests(Stage):
    """What goes in, and what comes out."""

    def test_one_transaction_holds_all(self) -> None:
        """Both archive entries and the offline entry are committed together, the last under the same id.

        promises#one-transaction.
        """
        commits: list[Any] = []
        submit = self.memory.storage.submit

        def spy(changes: Any, decided: Any) -> None:
            commits.append(changes)
            submit(changes, decided)

        self.memory.storage.submit = spy  # type: ignore[method-assign]
        self.say("one")
        changes = [change for change in commits if change]
        self.assertEqual([[change.store for change in part] for part in changes], [[STORE, STORE, INBOX]])
        sent, received, waiting = [change.entry for change in changes[0]]
        self.assertEqual(received.id, waiting.id)
        self.assertNotEqual(sent.id, received.id)
        self.assertEqual(
            (sent.with_jid, received.with_jid, received.with_resource), (JULIET, ROMEO, "orchard")
        )

    def test_no_archive_holds_its_own_id(self) -> None:
        """XEP-0359: the sender's entry bears no id of the recipient's archive."""
        self.say("one")
        self.assertNotIn(b"stanza-id", self.stored(ROMEO)[0].stanza)
        self.assertEqual(self.stored(JULIET, INBOX)[0].id, self.stored(JULIET)[0].id)
        juliet = self.memory.logged_in(f"{JULIET}/balcony")
        juliet.send("<presence/>")
        marks = juliet.inbox[-1].findall("{urn:xmpp:sid:0}stanza-id")
        self.assertEqual([mark.get("by") for mark in marks], [JULIET])

    def test_a_failed_commit_is_told_to_the_sender(self) -> None:
        """promises#disk-full: on a full disk the sender gets an error, and nothing is in any archive."""
        self.say("zero")
        self.memory.storage.failing = StorageFailed("no room")
        self.say("one")
        self.memory.storage.failing = None
        self.assertEqual([element.get("type") for element in self.romeo.inbox], ["error"])
        self.assertEqual([len(self.stored(owner)) for owner in (ROMEO, JULIET)], [1, 1])

    def test_what_is_refused_is_in_no_archive_of_who_refused_it(self) -> None:
        """XEP-0313 6.1, 6.1.1: waited for or not; who sent it has sent it."""
        self.memory.storage.commit(Put(PREFERENCES, JULIET, "", b"broken"))
        self.romeo.send(f"<message to='{JULIET}/gone'><body>one</body></message>")
        self.romeo.send(f"<message to='{JULIET}/gone'><body>two</body></message>")
        self.assertEqual([len(self.stored(owner)) for owner in (ROMEO, JULIET)], [2, 0])
        self.assertEqual(len(self.romeo.inbox), 2)

    def test_an_entry_that_cannot_be_read_back_blocks_no_page(self) -> None:
        """An archive page is sent without what is no stanza any more, and can be paged past.

        promises#always-readable.
        """
        self.say("one")
        now(self.memory.storage.commit(Append(STORE, ROMEO, NewEntry("bad", 1.0, JULIET, b"<message>"))))
        self.say("two")
        self.romeo.send("<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>")
        self.assertEqual(
            [element.tag.partition("}")[2] for element in self.romeo.inbox], ["message", "message", "iq"]
        )

    def test_preferences_are_bounded_in_memory(self) -> None:
        """Of so many accounts the preferences are remembered; others are read again."""
        self.archive._preferences.limit = 2
        for name in "abc":
            now(self.archive.preferences(f"{name}@localhost"))
        self.assertEqual(len(self.archive._preferences), 2)

    def test_preferences_change_with_the_commit_alone(self) -> None:
        """On failure nothing has changed."""
        self.memory.storage.failing = StorageFailed("no room")
        self.failureResultOf(self.archive.prefer(ROMEO, Preferences("never")), StorageFailed)
        self.assertEqual(now(self.archive.preferences(ROMEO)), NO_PREFERENCES)

    def test_preferences_survive(self) -> None:
        """What is written is read; what cannot be read is said, and the default holds."""
        preferences = Preferences("roster", frozenset(("a@b",)), frozenset(("c@d/e",)))
        self.assertEqual(decode(encode(preferences)), preferences)
        for data in (b"", b"{}", b"[]", b"\xff"):
            self.assertRaises(ValueError, decode, data)

    def test_removal_of_the_account(self) -> None:
        """Preferences of a removed account do not hold for one that is made under its name."""
        now(self.archive.prefer(JULIET, Preferences("never")))
        now(self.memory.server.accounts.remove(JID.parse(JULIET)))
        self.memory.add_account(JULIET)
        self.say("one")
        self.assertEqual(len(self.stored(JULIET)), 1)

    def test_a_big_page_is_cut(self) -> None:
        """A page has at most 4 MiB, however many messages were asked for, and says that there is more."""
        self.say(*range(30), content="<x xmlns='urn:example'>" + "x" * 250_000 + "</x>")
        self.memory.pass_time(60)  # so much is not read at once
        self.romeo.send("<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>")
        fin = self.romeo.inbox[-1].find("{urn:xmpp:mam:2}fin")
        assert fin is not None
        self.assertIsNone(fin.get("complete"))
        self.assertEqual(len(self.romeo.inbox), 4 * 1024 * 1024 // 250_200 + 1)

    def slow_reads(self) -> Deferred[None]:
        """From now on pages are read only when what this gives is fired."""
        waiting: Deferred[None] = Deferred()
        read = self.memory.storage.read

        async def slow(*args: Any, **kwargs: Any) -> list[Entry]:
            await waiting
            return await read(*args, **kwargs)

        self.patch(self.memory.storage, "read", lambda *a, **k: Deferred.fromCoroutine(slow(*a, **k)))
        return waiting

    def test_a_query_outlives_its_client(self) -> None:
        """A client that is gone when its page is there disturbs nothing."""
        self.say(*range(60))
        waiting = self.slow_reads()
        self.romeo.send("<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>")
        assert self.romeo.carrier is not None
        self.romeo.carrier.lose()
        waiting.callback(None)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_query_whose_answer_did_not_go_out(self) -> None:
        """XEP-0313 6.1.1: messages wait on for a client that asked for them and was gone before it got them."""
        self.say("one")
        juliet = self.memory.logged_in(f"{JULIET}/balcony")
        waiting = self.slow_reads()
        juliet.send("<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>")
        assert juliet.carrier is not None
        juliet.carrier.lose()
        waiting.callback(None)
        self.memory.clock.advance(1)
        self.assertEqual(len(self.stored(JULIET, INBOX)), 1)

    def test_tombstones_of_what_came_before(self) -> None:
        """XEP-0424: a message is found behind many others; the first retraction counts."""
        self.say("oops", *range(300))
        for number in (1, 2):
            self.romeo.send(f"<message to='{JULIET}' type='chat' id='r{number}'>{RETRACT}</message>")
            self.memory.clock.pump([0.0, PAUSE_S, PAUSE_S, PAUSE_S, PAUSE_S])
        for owner in (ROMEO, JULIET):
            buried = Stanza.parse(self.stored(owner)[0].stanza).element.child(
                "retracted", "urn:xmpp:message-retract:1"
            )
            assert buried is not None
            self.assertEqual(buried.get("id"), "r1")

    def test_many_retractions(self) -> None:
        """A retraction is cheaply sent: searches go one after the other, a page at a time, and no sender has many."""
        self.say(*range(1_000))
        reads = []
        read = self.memory.storage.read

        def counted(*args: Any, **kwargs: Any) -> Deferred[list[Entry]]:
            reads.append(args)
            return read(*args, **kwargs)

        self.patch(self.memory.storage, "read", counted)
        for number in range(100):
            self.romeo.send(f"<message to='{JULIET}' type='chat' id='r{number}'>{RETRACT}</message>")
        self.memory.clock.advance(0)
        self.assertLessEqual(len(reads), 2)
        self.memory.clock.pump([PAUSE_S] * 200)
        self.assertEqual(len(reads), MAX_WAITING_OF_ONE * 5)
        self.say("oops")
        self.romeo.send(f"<message to='{JULIET}' type='chat' id='r'>{RETRACT}</message>")
        self.memory.clock.advance(0)
        _, original = now(read(STORE, JULIET, limit=2, reverse=True))
        self.assertIn(b"<retracted", original.stanza)

    def test_a_retraction_that_was_not_stored_buries_nothing(self) -> None:
        """What the sender was told has failed has not happened."""
        self.say("oops")
        self.memory.storage.failing = StorageFailed("no room")
        self.romeo.send(f"<message to='{JULIET}' type='chat' id='r'>{RETRACT}</message>")
        self.memory.storage.failing = None
        self.memory.clock.advance(0)
        self.assertIn(b"oops</body>", self.stored(JULIET)[0].stanza)


class RetentionTests(Stage):
    """`[modules.mam]` keep_days and keep_messages."""

    options = "[modules.mam]\nkeep_days = 10\nkeep_messages = 500\n"

    def test_old_messages_leave_in_batches(self) -> None:
        """What is older than keep_days leaves, oldest first."""
        self.say(*range(BATCH + 50))
        self.memory.clock.advance(10 * DAY_S)
        self.say("new")
        self.memory.clock.advance(1)
        for _ in range(4):
            self.memory.clock.advance(1)
        self.memory.clock.pump([EVERY_S, 1, 1, 1])
        self.assertEqual(len(self.stored(ROMEO)), 1)
        self.assertEqual(len(self.stored(JULIET)), 1)
        self.assertEqual(len(self.stored(JULIET, INBOX)), BATCH + 51)

    def test_an_archive_has_its_bound(self) -> None:
        """What is beyond keep_messages leaves."""
        self.say(*range(510))
        self.memory.clock.pump([FIRST_AFTER_S, 1, 1])
        self.assertIn(b"<body>10</body>", self.stored(ROMEO)[0].stanza)
        self.assertEqual(len(self.stored(ROMEO)), 500)

    def test_unloading_ends_it(self) -> None:
        """A module that is unloaded lets go of nothing more."""
        self.say(*range(510))
        module = self.memory.server.hosts["localhost"].modules["mam"]
        assert isinstance(module, Mam)
        self.memory.server.loader.unload(self.memory.server.hosts["localhost"], "mam")
        self.memory.clock.pump([FIRST_AFTER_S, 1, 1])
        self.assertEqual(len(self.stored(ROMEO)), 510)

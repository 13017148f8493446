"""Words in archives (XEP-0431): the index follows the archive, whatever happens to either."""

from typing import Any

from twisted.internet.defer import execute
from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.services.archive import pages
from xmppd.services.archive.retention import DAY_S, EVERY_S
from xmppd.services.archive.search import INDEX_AFTER_S, MAX_WORDS, ArchiveSearch, words_of
from xmppd.stanza.jid import JID
from xmppd.storage.interface import StorageFailed
from xmppd.storage.sqlite.text_index import SQLiteTextIndex
from xmppd.storage.text_index import Found, Text
from xmppd.testing.server import MemoryServer, now

ROMEO, JULIET = "romeo@localhost", "juliet@localhost"
OPTIONS = "[storage]\nurl = 'memory:'\n[modules.mam]\nsearch = true\nkeep_days = 10\n"
FORM = (
    "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>"
    "<field var='{urn:xmpp:fulltext:0}fulltext'><value>%s</value></field>%s</x>"
)


class IndexTests(SynchronousTestCase):
    """`SQLiteTextIndex`."""

    def setUp(self) -> None:
        """An index in a file."""
        self.path = temporary_folder(self) / "words"
        self.index = SQLiteTextIndex(str(self.path), execute)

    def found(self, *words: str, **kwargs: Any) -> list[int]:
        """Give the seqs of Romeo's entries with these words."""
        return [item.seq for item in now(self.index.search(ROMEO, words, **kwargs))]

    def test_owners_are_apart(self) -> None:
        """What is another's is not found, not even by its name."""
        now(self.index.add(ROMEO, [Text(1, "a", "the sun")], 1))
        now(self.index.add(JULIET, [Text(2, "b", "the moon"), Text(3, "c", "sun")], 3))
        self.assertEqual(now(self.index.search(ROMEO, ["sun"])), [Found(1, "a")])
        self.assertEqual(self.found("moon"), [])
        self.assertEqual(self.found("juliet"), [])
        now(self.index.forget(JULIET))
        self.assertEqual((self.found("sun"), now(self.index.search(JULIET, ["sun"]))), ([1], []))
        self.assertEqual((now(self.index.last_seq(ROMEO)), now(self.index.last_seq(JULIET))), (1, 0))

    def test_pages_and_removal(self) -> None:
        """By seq, in both directions; entries go one by one or from the bottom."""
        now(self.index.add(ROMEO, [Text(seq, str(seq), "word") for seq in range(1, 10)], 9))
        self.assertEqual(self.found("word", limit=2), [1, 2])
        self.assertEqual(self.found("word", limit=2, reverse=True), [9, 8])
        self.assertEqual(self.found("word", after=3, before=6), [4, 5])
        now(self.index.remove(ROMEO, seqs=[5, 99], below=4))
        self.assertEqual(self.found("word"), [4, 6, 7, 8, 9])

    def test_added_twice(self) -> None:
        """What is indexed already is not indexed again."""
        for _ in range(2):
            now(self.index.add(ROMEO, [Text(1, "a", "word")], 1))
        self.assertEqual(self.found("word"), [1])

    def test_survives(self) -> None:
        """The file is read again; one that is none is a failure of the storage."""
        now(self.index.add(ROMEO, [Text(1, "a", "word")], 1))
        self.index = SQLiteTextIndex(str(self.path), execute)
        self.assertEqual(self.found("word"), [1])
        broken = temporary_folder(self) / "broken"
        broken.write_text("no database " * 100)
        self.failureResultOf(SQLiteTextIndex(str(broken), execute).last_seq(ROMEO), StorageFailed)

    def test_operators_are_words(self) -> None:
        """Nothing of a search is an expression."""
        self.assertEqual(words_of('a AND b* OR ("c") NOT a'), ("a", "AND", "b", "OR", "c", "NOT"))
        self.assertEqual(len(words_of(" ".join(map(str, range(100))))), MAX_WORDS)
        self.assertEqual(self.found("AND", 'x"y', "*", ":"), [])


class SearchTests(SynchronousTestCase):
    """The service in a whole server in memory."""

    def setUp(self) -> None:
        """Romeo writes to Juliet, who is away."""
        self.memory = MemoryServer(OPTIONS)
        self.search = self.memory.server.services[ArchiveSearch]
        self.romeo = self.memory.logged_in(f"{ROMEO}/orchard")
        self.memory.add_account(JULIET)

    def say(self, id: str, content: str) -> None:
        """Romeo sends a message."""
        self.romeo.send(f"<message to='{JULIET}' type='chat' id='{id}'>{content}</message>")

    def ask(self, words: str, more: str = "") -> list[str]:
        """Give the ids of the messages that Romeo finds; "error" for an error."""
        self.romeo.inbox.clear()
        self.romeo.send(
            f"<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'>{FORM % (words, more)}</query></iq>"
        )
        inner = "{urn:xmpp:mam:2}result/{urn:xmpp:forward:0}forwarded/{jabber:client}message"
        found = [message for element in self.romeo.inbox for message in element.findall(inner)]
        return [message.get("id") or "" for message in found] + [
            "error" for element in self.romeo.inbox if element.get("type") == "error"
        ]

    def test_indexed_after_a_while(self) -> None:
        """What is archived is indexed outside of the transaction, for both sides."""
        self.say("1", "<body>light</body>")
        self.assertEqual(now(self.search._index.last_seq(ROMEO)), 0)
        self.memory.clock.advance(INDEX_AFTER_S)
        self.assertEqual(now(self.search._index.last_seq(ROMEO)), 1)
        self.assertEqual(now(self.search._index.last_seq(JULIET)), 2)
        self.assertEqual(self.ask("light"), ["1"])

    def test_what_was_retracted_is_not_found(self) -> None:
        """A tombstone has no words."""
        self.say("1", "<body>light</body>")
        self.assertEqual(self.ask("light"), ["1"])
        self.say("2", "<retract xmlns='urn:xmpp:message-retract:1' id='1'/>")
        self.memory.clock.advance(0)
        self.assertEqual(self.ask("light"), [])

    def test_what_has_left_the_archive_leaves_the_index(self) -> None:
        """Retention takes the words too; what slipped through is noticed when it is found."""
        self.say("1", "<body>light</body>")
        self.assertEqual(self.ask("light"), ["1"])
        self.memory.clock.pump([11 * DAY_S, EVERY_S, 1, 1])
        self.assertEqual(now(self.search._index.search(ROMEO, ["light"])), [])
        now(self.search._index.add(ROMEO, [Text(10**6, "gone", "light")], 10**6))
        self.assertEqual(self.ask("light"), [])
        self.assertEqual(now(self.search._index.search(ROMEO, ["light"])), [])

    def test_an_account_that_is_removed_takes_its_words_along(self) -> None:
        """Nothing is found under the same name later."""
        self.say("1", "<body>light</body>")
        self.memory.clock.advance(INDEX_AFTER_S)
        now(self.memory.server.accounts.remove(JID.parse(JULIET)))
        self.assertEqual(now(self.search._index.last_seq(JULIET)), 0)

    def test_a_search_is_bounded(self) -> None:
        """A query that looks at too many messages for what it finds is refused."""
        self.patch(pages, "MAX_LOOKED_AT", pages.CHUNK)
        for number in range(pages.CHUNK + 1):
            self.say(str(number), "<body>light</body>")
        other = "<field var='with'><value>nobody@localhost</value></field>"
        self.assertEqual(self.ask("light", other), ["error"])

    def test_odd_messages(self) -> None:
        """Subjects count, several bodies too; a message without a text is just not found."""
        self.say("1", "<subject>light</subject>")
        self.say("2", "<body xml:lang='en'>light</body><body xml:lang='de'>Licht</body>")
        self.say("3", "<store xmlns='urn:xmpp:hints'/>")
        self.assertEqual((self.ask("light"), self.ask("LICHT")), (["1", "2"], ["2"]))

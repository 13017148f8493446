"""Data of older versions: a file that a server of version 2 has left, with messages in all the places that it had.

``version-2.sql`` is the dump of a file that the code of that version wrote: two of Juliet's clients with what they have
not acknowledged, Tybalt with offline messages, Paris with what a session had that ended, Benvolio with one that waited
behind stored ones.
"""

import sqlite3
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.services.stream_management.conversation import NS, Conversation, bodies
from tests.temporary import temporary_folder
from xmppd.storage.interface import Append, Change, NewEntry, Put
from xmppd.storage.memory import MemoryStorage
from xmppd.storage.sqlite.schema import APPLICATION_ID, bring_up
from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer, now

DUMP = Path(__file__).parent / "version-2.sql"
BALCONY, CHAMBER, SQUARE, GONE = (f"random-{number:08d}" for number in (8, 12, 29, 41))
"""The ids of the sessions there were."""


class Version2Tests(SynchronousTestCase):
    """The file is brought up; a server has what is in it then."""

    def setUp(self) -> None:
        """Bring it up, and start."""
        self.path = temporary_folder(self) / "data"
        connection = sqlite3.connect(self.path)
        connection.executescript(DUMP.read_text())
        connection.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 2;")
        connection.close()
        bring_up(self.path)
        self.conversation = Conversation()
        self.conversation.memory = MemoryServer("", self.storage(), 5_000_000)

    def storage(self) -> MemoryStorage:
        """Give what is in the file."""
        connection = sqlite3.connect(self.path)
        changes: list[Change] = [Put(*row) for row in connection.execute("SELECT * FROM kv")]
        query = (
            "SELECT store, owner, coalesce(id, ''), sent_at, coalesce(with_jid, ''), stanza, extra"
            " FROM fresh JOIN box USING (box) ORDER BY seq"
        )
        for store, owner, *entry in connection.execute(query):
            changes.append(Append(store, owner, NewEntry(*entry)))
        connection.close()
        storage = MemoryStorage()
        now(storage.commit(*changes))
        return storage

    def fresh(self, address: str) -> Client:
        """Give a client that has logged in and is available."""
        client = self.conversation.memory.logged_in(address)
        client.send("<presence/>")
        self.conversation.pass_time(0.5)
        return client

    def back(self, address: str, id: str, h: int) -> Client:
        """Give a client that comes back to a session, and cannot resume it."""
        client = self.conversation.connected(address)
        client.send(f"<resume xmlns='{NS}' previd='{id}' h='{h}'/>")
        self.conversation.pass_time(0.2)
        self.assertIsNotNone(client.inbox.popleft().get("h"))
        self.conversation.bind(client)
        client.send("<presence/>")
        self.conversation.pass_time(0.5)
        return client

    def test_nothing_is_left_in_the_old_stores(self) -> None:
        """They are empty, and what was in them is in the new one, once for each message."""
        connection = sqlite3.connect(self.path)
        rows = connection.execute(
            "SELECT owner, count(*) FROM fresh JOIN box USING (box) WHERE store = 'inbox' GROUP BY owner"
        ).fetchall()
        stores = {store for (store,) in connection.execute("SELECT store FROM box")}
        connection.close()
        counts = {owner.partition("@")[0]: count for owner, count in rows}
        self.assertEqual(counts, {"benvolio": 2, "juliet": 5, "paris": 3, "tybalt": 3})
        self.assertEqual(stores, {"archive", "inbox"})

    def test_the_clients_come_back(self) -> None:
        """Each gets what it has not handled, once and in order, also where another has acknowledged its copy."""
        self.assertEqual(bodies(self.back("juliet@localhost/chamber", CHAMBER, 6)), [])
        ids = ["both, not archived", "acknowledged by one", "of the balcony", "of the balcony, not archived"]
        self.assertEqual(bodies(self.back("juliet@localhost/balcony", BALCONY, 4)), ids)

    def test_another_client_comes(self) -> None:
        """It gets what nobody has acknowledged."""
        ids = ["acknowledged by one", "of the balcony", "of the balcony, not archived"]
        self.assertEqual(bodies(self.fresh("juliet@localhost/elsewhere")), ids)

    def test_offline_messages(self) -> None:
        """They are there, in order, archived or not."""
        ids = ["first", "second, not archived", "third"]
        self.assertEqual(bodies(self.fresh("tybalt@localhost/street")), ids)

    def test_what_a_session_had(self) -> None:
        """Who comes too late is not given what it has."""
        self.assertEqual(bodies(self.back("paris@localhost/square", SQUARE, 2)), ["had it not", "later"])

    def test_what_waited_behind_stored_ones(self) -> None:
        """It is behind them."""
        self.assertEqual(bodies(self.back("benvolio@localhost/a", GONE, 1)), ["old", "behind"])

"""Removal of accounts, whole, and what becomes of sessions when an account changes."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.accounts.accounts import AccountTombstoned, NoSuchAccount
from xmppd.services.accounts.removal import Removal
from xmppd.services.accounts.sessions import AccountSessions
from xmppd.services.archive.archive import Archive
from xmppd.services.archive.search import ArchiveSearch
from xmppd.services.inbox.inbox import Inbox
from xmppd.services.login.clients import Clients
from xmppd.services.presence.blocking import Blocking
from xmppd.services.push.push import Push
from xmppd.services.roster.roster import Rosters
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Put, StorageFull
from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer, now
from xmppd.testing.sessions import bound_session

ROMEO = JID.parse("romeo@localhost")
DAY_S = 86_400.0


class RemovalTests(SynchronousTestCase):
    """`Removal`."""

    def setUp(self) -> None:
        """Romeo and Juliet, who see each other; Romeo has stored this and that."""
        self.memory = MemoryServer()
        self.server = self.memory.server
        self.storage = self.memory.storage
        self.removal = self.server.services[Removal]
        self.romeo = self.memory.logged_in("romeo@localhost/orchard")
        self.juliet = self.memory.logged_in("juliet@localhost/balcony")
        for client, other in ((self.romeo, "juliet"), (self.juliet, "romeo")):
            client.send(f"<presence/><presence to='{other}@localhost' type='subscribe'/>")
        for client, other in ((self.romeo, "juliet"), (self.juliet, "romeo")):
            client.send(f"<presence to='{other}@localhost' type='subscribed'/>")
        self.romeo.send("<iq type='set' id='v'><vCard xmlns='vcard-temp'><FN>R</FN></vCard></iq>")
        self.romeo.send(
            "<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='example.net'/></block></iq>"
        )

    def rows_of(self, owner: str) -> list[str]:
        """Give the stores that hold anything of *owner*."""
        stores = "roster subscription_requests vcard private blocking last_activity credentials inbox archive"
        return [store for store in stores.split() if owner in now(self.storage.owners(store))]

    def test_who_keeps_something_lets_go(self) -> None:
        """Each service that can let go of an account does so when it is removed."""
        told: list[type] = []
        keeping = (Archive, ArchiveSearch, Blocking, Clients, Inbox, Push, Rosters)
        for cls in keeping:
            self.patch(cls, "let_go", lambda service, owner: told.append(type(service)))
        memory = MemoryServer()
        memory.add_account("juliet@localhost")
        now(memory.server.services[Removal].remove(JID.parse("juliet@localhost")))
        self.assertEqual(sorted(cls.__name__ for cls in told), sorted(cls.__name__ for cls in keeping))

    def test_what_is_let_go_of_is_read_anew(self) -> None:
        """Where an account has only moved, nothing stored is touched, and whoever asks reads it."""
        services = self.server.services
        self.romeo.send("</stream:stream>")
        keeping: list[Any] = [Archive, ArchiveSearch, Clients, Inbox, Rosters]
        for cls in keeping:
            services[cls].let_go(ROMEO)
        self.assertIn("roster", self.rows_of(ROMEO.bare))
        self.assertEqual(
            [item.jid for item in now(services[Rosters].load(ROMEO.bare)).items()], ["juliet@localhost"]
        )

    def test_whole(self) -> None:
        """All data go in one transaction, also what leaving sessions would write; the contact's side too."""
        commits: list[tuple[Any, ...]] = []
        commit = self.storage.commit

        def counted(*changes: Any) -> Deferred[None]:
            commits.append(changes)
            return commit(*changes)

        self.assertIn("roster", self.rows_of(ROMEO.bare))
        self.patch(self.storage, "commit", counted)
        now(self.removal.remove(ROMEO, [Put("private", "juliet@localhost", "{x}x", b"<x xmlns='x'/>")]))
        self.assertEqual(len([each for each in commits if any(ROMEO.bare in change for change in each)]), 3)
        self.assertEqual(self.rows_of(ROMEO.bare), [])
        self.assertEqual(self.rows_of("juliet@localhost"), ["roster", "private", "credentials"])
        roster = now(self.server.rosters.load("juliet@localhost"))
        self.assertEqual(roster.item(ROMEO.bare).subscription, "none")
        self.assertFalse(self.romeo.is_connected)

    def test_not_stored(self) -> None:
        """Where it cannot be stored, the account is there as before, and its contact hears of nothing."""
        self.juliet.inbox.clear()
        self.storage.failing = StorageFull("full")
        self.failureResultOf(self.removal.remove(ROMEO), StorageFull)
        self.storage.failing = None
        self.assertTrue(self.server.accounts.exists(ROMEO.bare))
        roster = now(self.server.rosters.load(ROMEO.bare))
        self.assertEqual(roster.item("juliet@localhost").subscription, "both")
        self.assertEqual([each.get("type") for each in self.juliet.inbox], ["unavailable"])
        now(self.removal.remove(ROMEO))
        self.assertEqual(self.rows_of(ROMEO.bare), [])

    def test_no_such_account(self) -> None:
        """What is not there cannot be removed, nor removed twice."""
        now(self.removal.remove(ROMEO))
        self.failureResultOf(self.removal.remove(ROMEO), NoSuchAccount)

    def test_tombstone(self) -> None:
        """The name is nobody's for the configured time, which each host may have for itself."""
        self.memory = MemoryServer(
            f"[limits]\ntombstone_s = {DAY_S}\n"
            '[hosts."localhost"]\n[hosts."example.org"]\nlimits.tombstone_s = 0\n'
        )
        for text, is_free in (("romeo@localhost", False), ("romeo@example.org", True)):
            jid = JID.parse(text)
            self.memory.add_account(text)
            now(self.memory.server.services[Removal].remove(jid))
            made = self.memory.server.accounts.create(jid, "x")
            if is_free:
                now(made)
            else:
                self.failureResultOf(made, AccountTombstoned)
        self.memory.clock.advance(DAY_S)
        now(self.memory.server.accounts.create(ROMEO, "x"))

    def test_message_meanwhile(self) -> None:
        """While the removal waits for its commit, nothing more is stored for the account."""
        waiting: Deferred[None] = Deferred()
        self.patch(self.storage, "commit", lambda *changes: waiting)
        removed = self.removal.remove(ROMEO)
        self.assertNoResult(removed)
        self.juliet.inbox.clear()
        self.juliet.send("<message to='romeo@localhost' type='chat' id='m'><body>?</body></message>")
        self.assertEqual([each.get("type") for each in self.juliet.inbox], ["error"])
        waiting.callback(None)
        self.assertTrue(removed.called)


class AccountSessionsTests(SynchronousTestCase):
    """`AccountSessions`."""

    def setUp(self) -> None:
        """Romeo, without a session."""
        self.memory = MemoryServer()
        self.server = self.memory.server
        self.sessions = self.server.services[AccountSessions]
        self.memory.add_account("romeo@localhost")

    def authenticated(self) -> Client:
        """Give a client that has authenticated and not bound a resource."""
        client = self.memory.client("romeo@localhost/orchard")
        now(Deferred.fromCoroutine(client.authenticate()))
        return client

    def binds(self, client: Client) -> bool:
        """Whether the client can bind its resource now."""
        client.inbox.clear()
        client.send("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
        return client.inbox.popleft().get("type") == "result"

    def test_authenticated_before(self) -> None:
        """Who authenticated before the account changed cannot bind afterwards."""
        accounts = self.server.accounts
        changes: tuple[Callable[[], Deferred[None]], ...] = (
            lambda: accounts.set_password(ROMEO, "open sesame"),
            lambda: accounts.disable(ROMEO),
            lambda: accounts.remove(ROMEO),
        )
        for change in changes:
            client = self.authenticated()
            now(change())
            self.assertFalse(self.binds(client))
            if accounts.exists(ROMEO.bare):
                now(accounts.enable(ROMEO))
                self.assertTrue(self.binds(self.authenticated()))

    def test_events(self) -> None:
        """A disabled account's sessions end, and those of another password, but the one that is spared."""
        registry = self.server.registry
        one, two = (bound_session(registry, f"romeo@localhost/{name}") for name in ("one", "two"))
        now(self.sessions.change_password(ROMEO, "new", two))
        self.assertEqual((one.is_ended, two.is_ended), (True, False))
        now(self.server.accounts.disable(ROMEO))
        self.assertTrue(two.is_ended)

    def test_password_that_cannot_be_set(self) -> None:
        """Then nobody's session ends, and nobody stays spared."""
        session = bound_session(self.server.registry, "romeo@localhost/one")
        self.memory.storage.failing = StorageFull("full")
        self.failureResultOf(self.sessions.change_password(ROMEO, "new", session), StorageFull)
        self.assertFalse(session.is_ended)
        self.memory.storage.failing = None
        now(self.server.accounts.set_password(ROMEO, "new"))
        self.assertTrue(session.is_ended)

"""Block lists: who is covered, when they are read, what they cost while nobody blocks anybody."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.counting import calls
from xmppd.core import events
from xmppd.services.presence.blocking import KEEP_S, STORE, Blocking, covers
from xmppd.services.roster.items import Roster, RosterItem
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Put, StorageFull
from xmppd.testing.server import MemoryServer, now
from xmppd.testing.sessions import bound_session, written

ROMEO, TYBALT = JID.parse("romeo@localhost"), JID.parse("tybalt@example.net")
LOOKING = (events.CLIENT_STANZA, events.ACCOUNT_STANZA, events.ACCOUNT_PRESENCE)


class MatchingTests(SynchronousTestCase):
    """XEP-0191 3.1: what a blocked JID stands for."""

    def test_table(self) -> None:
        """Each kind of blocked JID against each kind of address."""
        addresses = ("u@d/r", "u@d/x", "u@d", "v@d", "d/r", "d/x", "d", "u@e/r")
        for blocked, covered in {
            "u@d/r": {"u@d/r"},
            "u@d": {"u@d/r", "u@d/x", "u@d"},
            "d/r": {"d/r"},
            "d": {"u@d/r", "u@d/x", "u@d", "v@d", "d/r", "d/x", "d"},
        }.items():
            got = {text for text in addresses if covers({blocked}, JID.parse(text))}
            self.assertEqual(got, covered, blocked)


class BlockingTests(SynchronousTestCase):
    """The service."""

    def setUp(self) -> None:
        """A server where nobody has blocked anybody; reads are counted."""
        self.memory = MemoryServer("[limits]\nblocked_jids = 3\n")
        self.server = self.memory.server
        self.blocking = self.server.services[Blocking]
        self.hooks = self.server.hosts["localhost"].hooks
        self.reads: list[tuple[Any, ...]] = []
        storage = self.memory.storage
        for name in ("get", "keys", "owners", "get_all"):
            method = getattr(storage, name)

            def counted(*args: Any, _method: Any = method, **how: Any) -> Any:
                if args[0] == STORE:
                    self.reads.append(args)
                return _method(*args, **how)

            self.patch(storage, name, counted)

    def looking(self) -> list[bool]:
        """Whether each of the hooks that see stanzas has our handler."""
        handlers = [self.hooks.handlers(hook) for hook in LOOKING]
        return [any("Blocking" in repr(handler) for handler in each) for each in handlers]

    def blocks(self, other: JID) -> bool:
        """Whether Romeo blocks *other*."""
        answer = self.blocking.blocks(ROMEO.bare, other)
        return bool(now(answer) if isinstance(answer, Deferred) else answer)

    def test_nobody_blocks(self) -> None:
        """While nobody blocks, no stanza is looked at, and logins read nothing once that is known."""
        self.assertTrue(self.blocking.is_used)
        self.assertEqual(self.looking(), [True] * 3)
        self.memory.logged_in("romeo@localhost/orchard")
        self.assertEqual(self.reads, [(STORE,)])
        self.memory.logged_in("juliet@localhost/balcony")
        self.assertEqual(self.reads, [(STORE,)])
        self.assertFalse(self.blocking.is_used)
        self.assertEqual(self.looking(), [False] * 3)
        self.assertIsNone(self.server.services[Blocking]._presence.may_pass)

    def test_first_and_last(self) -> None:
        """The first block makes stanzas be looked at, the last unblock ends that."""
        self.memory.logged_in("romeo@localhost/orchard")
        now(self.blocking.block(ROMEO, [TYBALT]))
        self.assertEqual(self.looking(), [True] * 3)
        self.assertTrue(self.blocks(TYBALT.with_resource("x")))
        now(self.blocking.unblock(ROMEO, None))
        self.assertEqual(self.looking(), [False] * 3)
        self.assertFalse(self.blocks(TYBALT))
        self.assertEqual(now(self.memory.storage.owners(STORE)), [])

    def test_before_the_names_are_read(self) -> None:
        """A stanza that comes right after the start is judged by what is stored."""
        now(self.memory.storage.commit(Put(STORE, ROMEO.bare, TYBALT.bare, b"")))
        self.assertTrue(self.blocks(TYBALT.with_resource("x")))
        self.assertFalse(self.blocks(JID.parse("juliet@example.net")))

    def test_offline(self) -> None:
        """The list leaves memory some time after the last resource, and still holds."""
        romeo = self.memory.logged_in("romeo@localhost/orchard")
        now(self.blocking.block(ROMEO, [TYBALT]))
        romeo.send("</stream:stream>")
        self.assertEqual(self.blocking.list_of(ROMEO.bare), {TYBALT.bare})
        self.memory.clock.advance(KEEP_S)
        self.assertEqual(self.blocking.list_of(ROMEO.bare), frozenset())
        self.reads.clear()
        self.assertTrue(self.blocks(TYBALT.with_resource("x")))
        self.assertEqual([read[0] for read in self.reads], [STORE] * 3)
        self.memory.logged_in("romeo@localhost/orchard")
        self.assertEqual(self.blocking.list_of(ROMEO.bare), {TYBALT.bare})

    def test_comes_back_soon(self) -> None:
        """An account that is back before its list was forgotten keeps it."""
        romeo = self.memory.logged_in("romeo@localhost/orchard")
        now(self.blocking.block(ROMEO, [TYBALT]))
        romeo.send("</stream:stream>")
        self.memory.logged_in("romeo@localhost/orchard")
        self.memory.clock.advance(KEEP_S)
        self.assertEqual(self.blocking.list_of(ROMEO.bare), {TYBALT.bare})

    def test_limit(self) -> None:
        """A list has blocked_jids entries at most; what is in it already does not count again."""
        now(self.blocking.block(ROMEO, [JID.parse("a"), JID.parse("b")]))
        now(self.blocking.block(ROMEO, [JID.parse("b"), JID.parse("c"), JID.parse("c")]))
        refused = self.failureResultOf(self.blocking.block(ROMEO, [JID.parse("d")]), StanzaError)
        self.assertEqual(refused.value.condition, "policy-violation")
        self.assertEqual(now(self.memory.storage.keys(STORE, ROMEO.bare)), ["a", "b", "c"])

    def test_not_stored(self) -> None:
        """A block that cannot be stored does not hold."""
        self.memory.logged_in("romeo@localhost/orchard")
        self.memory.storage.failing = StorageFull("full")
        self.failureResultOf(self.blocking.block(ROMEO, [TYBALT]), StorageFull)
        self.assertFalse(self.blocks(TYBALT))
        self.memory.storage.failing = None
        now(self.blocking.block(ROMEO, [TYBALT]))
        self.memory.storage.failing = StorageFull("full")
        self.failureResultOf(self.blocking.unblock(ROMEO, [TYBALT]), StorageFull)
        self.assertTrue(self.blocks(TYBALT))

    def test_account_removed(self) -> None:
        """Nothing is left of the list of an account that is removed."""
        self.memory.add_account("romeo@localhost")
        now(self.blocking.block(ROMEO, [TYBALT]))
        now(self.server.accounts.remove(ROMEO))
        self.assertFalse(self.blocking.is_used)

    def test_unload(self) -> None:
        """A module that is unloaded looks at nothing."""
        now(self.blocking.block(ROMEO, [TYBALT]))
        for name in ("reports", "blocking"):
            self.server.loader.unload(self.server.hosts["localhost"], name)
        self.assertEqual(self.looking(), [False] * 3)

    def test_many_contacts(self) -> None:
        """A domain with many contacts is told in several turns, each once."""
        self.memory.add_account("romeo@localhost")
        roster = Roster(ROMEO.bare)
        for number in range(1_000):
            roster.put(f"c{number}@localhost", RosterItem(f"c{number}@localhost", subscription="both"))
        session = bound_session(self.server.registry, "romeo@localhost/orchard", 0)
        session.roster = roster
        contacts = [
            bound_session(self.server.registry, f"c{number}@localhost/x", 0) for number in range(1_000)
        ]
        done = self.blocking.block(ROMEO, [JID.parse("localhost")])
        self.assertNoResult(done)
        self.memory.clock.pump([0.01] * 10)
        self.successResultOf(done)
        told = [written(contact) for contact in contacts]
        self.assertEqual({data.count(b"unavailable") for data in told}, {1})

    def test_a_large_block_is_cheap(self) -> None:
        """Thousands of domains against thousands of contacts are no matter of their product."""
        self.assertLess(self.cost_of_block(4_000), 4.5 * self.cost_of_block(1_000))

    def cost_of_block(self, number: int) -> int:
        """Give the calls that it takes to block so many domains, with as many contacts in others."""
        self.memory = MemoryServer()
        self.blocking = self.memory.server.services[Blocking]
        self.memory.add_account("romeo@localhost")
        roster = Roster(ROMEO.bare)
        for each in range(number):
            roster.put(f"c@d{each}.example", RosterItem(f"c@d{each}.example", subscription="both"))
        bound_session(self.memory.server.registry, "romeo@localhost/orchard", 0).roster = roster
        jids = [JID(None, f"d{each}.test", None) for each in range(number)]

        def block() -> None:
            done = self.blocking.block(ROMEO, jids)
            self.memory.clock.pump([0.0] * 10)
            self.successResultOf(done)

        return calls(block)


class CostTests(SynchronousTestCase):
    """promises#one-second: no single stanza costs more than 1 s of CPU."""

    def test_unblocking_all(self) -> None:
        """The addresses of a long list were prepared once; to let go of them all nothing is prepared again."""
        memory = MemoryServer()
        client = memory.logged_in("romeo@localhost/orchard")
        hard = "\u05d0." * 30 + "example"
        blocked = 0
        for hundred in range(6):
            items = "".join(f"<item jid='{hard}/{hundred}-{number}'/>" for number in range(100))
            block = f"<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'>{items}</block></iq>"
            blocked += calls(client.send, block)
        unblocked = calls(client.send, "<iq type='set' id='u'><unblock xmlns='urn:xmpp:blocking'/></iq>")
        self.assertLess(unblocked, blocked / 10)
        self.assertEqual(client.inbox[-1].get("id"), "u")

"""Rosters in memory and in storage: one object for all, changes one after the other, nothing lost on failure."""

import gc
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.services.roster.rosters import JULIET, ROMEO, RosterWorld, pushes
from xmppd.services.roster import subscription_states as states
from xmppd.services.roster.items import Roster, RosterItem, decode, encode, item_xml
from xmppd.services.roster.roster import CHUNK, REQUESTS, STORE, Rosters
from xmppd.stanza.element import parse_element
from xmppd.stanza.errors import StanzaError
from xmppd.storage.interface import Put, StorageFailed, StorageFull
from xmppd.storage.memory import MemoryStorage
from xmppd.testing.server import now
from xmppd.testing.sessions import written

NURSE = "nurse@example.net"


class ItemTests(SynchronousTestCase):
    """One item."""

    def test_stored_and_read_again(self) -> None:
        """What was stored is read again, whatever it holds."""
        for item in (
            RosterItem(JULIET.bare),
            RosterItem(JULIET.bare, "Jülïet 🌹 \"'<&", "both", True, True, ("A & B", "ä")),
        ):
            self.assertEqual(decode(item.jid, encode(item)), item)

    def test_what_is_none_is_told(self) -> None:
        """A value that is no roster item is a ValueError, not a crash."""
        for data in (b"", b"[]", b"7", b'{"subscription":"remove"}', b'{"groups":7}', b"\xff", b"{"):
            self.assertRaises(ValueError, decode, JULIET.bare, data)

    def test_written_for_clients(self) -> None:
        """RFC 6121 2.1.2: attributes and groups, escaped."""
        item = RosterItem(JULIET.bare, "<'J'>", "from", True, True, ("A & B",))
        element = parse_element(item_xml(item).encode(), "jabber:iq:roster")
        self.assertEqual(
            element.attrs,
            {
                "jid": JULIET.bare,
                "name": "<'J'>",
                "subscription": "from",
                "ask": "subscribe",
                "approved": "true",
            },
        )
        self.assertEqual([group.text for group in element.elements()], ["A & B"])


class RosterTests(SynchronousTestCase):
    """A roster by itself."""

    def test_who_sees_whom(self) -> None:
        """RFC 6121 2.1.2.5: from and both see us, to and both are seen; one sees oneself."""
        roster = Roster(ROMEO.bare)
        for subscription in ("none", "to", "from", "both"):
            roster.put(f"{subscription}@x", RosterItem(f"{subscription}@x", subscription=subscription))
        self.assertEqual(roster.subscribers, ("from@x", "both@x"))
        self.assertEqual(roster.subscriptions, ("to@x", "both@x"))
        self.assertTrue(roster.may_see_presence(ROMEO.bare) and roster.sees_presence_of(ROMEO.bare))
        self.assertTrue(roster.may_see_presence("from@x") and roster.sees_presence_of("both@x"))
        self.assertFalse(roster.may_see_presence("to@x") or roster.sees_presence_of("from@x"))
        self.assertFalse(roster.may_see_presence("nobody@x"))
        roster.put("both@x", None)
        self.assertEqual(roster.subscribers, ("from@x",))

    def test_the_version_tells_rosters_apart(self) -> None:
        """RFC 6121 2.6.1: another version for other items, the same for the same, whatever way led there."""
        one, two = Roster(ROMEO.bare), Roster(ROMEO.bare)
        one.put("a@x", RosterItem("a@x"))
        first = one.version
        one.put("b@x", RosterItem("b@x", "B"))
        two.put("b@x", RosterItem("b@x", "wrong"))
        two.put("a@x", RosterItem("a@x"))
        self.assertNotEqual(one.version, two.version)
        two.put("b@x", RosterItem("b@x", "B"))
        self.assertEqual(one.version, two.version)
        one.put("b@x", None)
        self.assertEqual(one.version, first)


class RostersTests(SynchronousTestCase):
    """The service."""

    def setUp(self) -> None:
        self.world = RosterWorld("[limits]\nroster_items = 3")
        self.rosters = self.world.rosters

    def set(self, jid: str = NURSE, name: str | None = None, groups: tuple[str, ...] = ()) -> Deferred[None]:
        """Let Romeo set a contact."""
        return self.rosters.set(ROMEO, jid, name, groups)

    def slow(self) -> tuple[Rosters, MemoryStorage, Clock]:
        """Give a service whose commits take a second."""
        server, clock = self.world.server, Clock()
        storage = MemoryStorage(clock, 1.0)
        rosters = Rosters(storage, server.hosts, server.registry, server.router, server.timers)
        return rosters, storage, clock

    def failed(self, deferred: Deferred[Any]) -> str:
        """Give the condition that a call has failed with."""
        error = self.failureResultOf(deferred, StanzaError).value
        assert isinstance(error, StanzaError)
        return error.condition

    def test_one_object_for_all(self) -> None:
        """Whoever loads gets the same roster; when nobody keeps it, and it was not used lately, it is gone."""
        roster = self.world.roster()
        self.assertIs(self.world.roster(), roster)
        self.assertIs(self.rosters.loaded(ROMEO.bare), roster)
        del roster
        gc.collect()
        self.assertIsNot(self.rosters.loaded(ROMEO.bare), None)
        self.rosters.release_memory()
        gc.collect()
        self.assertIs(self.rosters.loaded(ROMEO.bare), None)

    def test_who_comes_back_soon_waits_for_no_storage(self) -> None:
        """A roster that was used lately is not read again, and has what was changed meanwhile."""
        self.successResultOf(self.set(NURSE, "Nurse"))
        gc.collect()
        self.patch(self.rosters._storage, "load", lambda *_: self.fail("it was read again"))
        self.assertEqual([item.name for item in self.world.roster().items()], ["Nurse"])

    def test_an_account_that_goes_is_forgotten(self) -> None:
        """Whoever gets the name later begins with what is stored, not with what is kept."""
        self.successResultOf(self.set(NURSE, "Nurse"))
        self.successResultOf(self.rosters.leave(ROMEO.bare))
        self.assertEqual(len(self.rosters.recent), 0)

    def test_one_read_for_all(self) -> None:
        """Loads that meet get one object; a failure reaches all of them, and the next may succeed."""
        server = self.world.server
        reads: list[Deferred[Any]] = []

        class SlowReads(MemoryStorage):
            def load(self, owner: str, stores: Any) -> Deferred[dict[str, dict[str, bytes]]]:
                reads.append(Deferred())
                return reads[-1]

        rosters = Rosters(SlowReads(), server.hosts, server.registry, server.router, server.timers)
        one, two = rosters.load(ROMEO.bare), rosters.load(ROMEO.bare)
        reads[0].errback(StorageFailed("broken"))
        self.failureResultOf(one, StorageFailed)
        self.failureResultOf(two, StorageFailed)
        one, two = rosters.load(ROMEO.bare), rosters.load(ROMEO.bare)
        reads[1].callback({STORE: {}, REQUESTS: {}})
        self.assertIs(self.successResultOf(one), self.successResultOf(two))
        self.assertEqual(len(reads), 2)

    def test_memory_follows_the_commit(self) -> None:
        """Nothing is seen before the commit, and all of it with its success."""
        rosters, _, clock = self.slow()
        roster = now(rosters.load(ROMEO.bare))
        done = rosters.set(ROMEO, NURSE, "Nurse", ())
        self.assertIs(roster.item(NURSE), None)
        clock.advance(1)
        self.successResultOf(done)
        self.assertEqual(roster.item(NURSE), RosterItem(NURSE, "Nurse"))

    def test_changes_do_not_lose_each_other(self) -> None:
        """Changes of one account happen one after the other: none works on what another is about to change."""
        rosters, storage, clock = self.slow()
        dones = [rosters.set(ROMEO, f"{name}@x", name, ()) for name in "ab"]
        dones.append(rosters.set(ROMEO, "a@x", "other", ("G",)))
        clock.pump([1, 1, 1])
        for done in dones:
            self.successResultOf(done)
        stored = self.successResultOf(storage.get_all(STORE, ROMEO.bare))
        self.assertEqual(decode("a@x", stored["a@x"]), RosterItem("a@x", "other", groups=("G",)))
        self.assertEqual(decode("b@x", stored["b@x"]), RosterItem("b@x", "b"))

    def test_a_failed_commit_changes_nothing(self) -> None:
        """Resource-constraint for the sender; no push, the roster as before, and the next change goes through.

        promises#changes.
        """
        session = self.world.session()
        self.world.memory.storage.failing = StorageFull("full")
        self.assertEqual(self.failed(self.set()), "resource-constraint")
        self.assertEqual(written(session), b"")
        self.assertEqual(list(self.world.roster().items()), [])
        self.world.memory.storage.failing = None
        self.successResultOf(self.set())
        self.assertEqual(pushes(session), ([], [f"{NURSE} none"]))

    def test_a_change_keeps_the_state(self) -> None:
        """RFC 6121 2.4: name and groups change, the subscription does not."""
        self.world.put(states.TO_IN, approved=True, groups=("Old",))
        self.successResultOf(self.set(JULIET.bare, "Juliet", ("New",)))
        self.assertEqual(
            self.world.stored().item(JULIET.bare),
            RosterItem(JULIET.bare, "Juliet", "to", False, True, ("New",)),
        )
        self.assertEqual(self.world.stored().state(JULIET.bare), states.TO_IN)

    def test_a_full_roster_takes_no_more(self) -> None:
        """limits.roster_items: policy-violation for one more; what is there can be changed and removed."""
        for name in "abc":
            self.successResultOf(self.set(f"{name}@x"))
        self.assertEqual(self.failed(self.set("d@x")), "policy-violation")
        self.successResultOf(self.set("a@x", "A"))
        self.successResultOf(self.rosters.remove(ROMEO, "a@x"))
        self.successResultOf(self.set("d@x"))

    def test_remove_what_is_not_there(self) -> None:
        """RFC 6121 2.5.3: item-not-found, also for somebody who has only asked."""
        self.world.put(states.NONE_IN)
        self.assertEqual(self.failed(self.rosters.remove(ROMEO, NURSE)), "item-not-found")
        self.assertEqual(self.failed(self.rosters.remove(ROMEO, JULIET.bare)), "item-not-found")
        self.assertEqual(self.world.roster().state(JULIET.bare), states.NONE_IN)

    def test_an_item_that_cannot_be_read_does_not_block_the_rest(self) -> None:
        """What is unreadable is left out and logged; the roster is there."""
        now(self.world.memory.storage.commit(Put(STORE, ROMEO.bare, "bad@x", b"\xff")))
        self.world.put(states.BOTH)
        self.assertEqual([item.jid for item in self.world.roster().items()], [JULIET.bare])

    def test_a_large_roster_lets_others_have_their_turn(self) -> None:
        """Many items are read and written in several turns, and what changes meanwhile is in the answer."""
        count = 2 * CHUNK + 1
        puts = [Put(STORE, ROMEO.bare, f"c{n}@x", encode(RosterItem(f"c{n}@x"))) for n in range(count)]
        now(self.world.memory.storage.commit(*puts))
        clock = self.world.memory.clock
        loading = self.rosters.load(ROMEO.bare)
        self.assertNoResult(loading)
        clock.pump([0, 0])
        roster = self.successResultOf(loading)
        self.assertEqual(len(roster), count)
        writing = Deferred.fromCoroutine(self.rosters.written(roster))
        self.assertNoResult(writing)
        roster.put("c1@x", RosterItem("c1@x", "changed"))
        roster.put("c2@x", None)
        clock.pump([0, 0])
        data = self.successResultOf(writing)
        self.assertEqual(data.count(b"<item"), count - 1)
        self.assertEqual((data.count(b"'c2@x'"), data.count(b"changed")), (0, 1))

    def test_leaving_tells_everybody(self) -> None:
        """Account removal: nothing is kept, and every contact is told what its state demands."""
        self.world.put(states.BOTH)
        for name, state in (("to", states.TO), ("asked", states.NONE_IN), ("none", states.NONE)):
            self.world.put(state, JULIET.parse(f"{name}@example.net"))
        session = self.world.session()
        self.successResultOf(self.rosters.leave(ROMEO.bare))
        self.assertEqual(
            sorted(self.world.told),
            [
                "unsubscribe juliet@example.net",
                "unsubscribe to@example.net",
                "unsubscribed asked@example.net",
                "unsubscribed juliet@example.net",
                "withdrawn juliet@example.net",
            ],
        )
        self.assertEqual(pushes(session), ([], []))
        for roster in (self.world.roster(), self.world.stored()):
            self.assertEqual((list(roster.items()), dict(roster.pending)), ([], {}))

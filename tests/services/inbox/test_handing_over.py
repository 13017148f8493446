"""Offline messages (XEP-0160) where a dialogue does not reach: batches, order, bounds, faults."""

from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.counting import calls
from xmppd.services.inbox.inbox import Inbox
from xmppd.services.inbox.records import ASIDE, STORE
from xmppd.services.inbox.store import PAGE as BATCH
from xmppd.services.inbox.store import RETRY_S, Records
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Append, Entry, NewEntry, StorageFailed
from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer, now

JULIET = "juliet@localhost"
BODY = "{jabber:client}body"


class HandingOverTests(SynchronousTestCase):
    """The service in a whole server in memory."""

    def setUp(self) -> None:
        """Romeo is there, Juliet is not."""
        self.memory = MemoryServer(OPTIONS)
        self.inbox = self.memory.server.services[Inbox]
        self.romeo = self.memory.logged_in("romeo@localhost/orchard")
        self.memory.add_account(JULIET)

    def say(self, *texts: Any, to: str = JULIET) -> None:
        """Romeo sends chat messages with these bodies."""
        for text in texts:
            self.romeo.send(f"<message to='{to}' type='chat' id='{text}'><body>{text}</body></message>")

    def juliet(self, resource: str = "balcony", presence: str = "<presence/>") -> Client:
        """Juliet logs in with this resource and sends this presence."""
        client = self.memory.logged_in(f"{JULIET}/{resource}")
        client.send(presence)
        return client

    def stored(self) -> list[Entry]:
        """Give what waits for Juliet."""
        entries: list[Entry] = now(self.memory.storage.read(STORE, JULIET, limit=1000))
        return entries

    def test_a_thousand_messages(self) -> None:
        """promises#offline-in-order: 1,000 messages are stored, the last as cheaply as the first, and come in order."""
        costs = [calls(self.say, *range(first, first + 100)) for first in range(0, 1000, 100)]
        self.assertLess(max(costs[1:]), 1.2 * costs[0])
        self.assertEqual(len(self.stored()), 1000)
        client = self.juliet()
        self.assertEqual(len(bodies(client, keep=True)), BATCH)
        for _ in range(12):
            self.memory.clock.advance(0)
        self.assertEqual(bodies(client), [str(number) for number in range(1000)])
        self.assertEqual(self.stored(), [])
        self.assertEqual(self.romeo.inbox, type(self.romeo.inbox)())

    def test_live_messages_wait_behind_stored_ones(self) -> None:
        """A session that is being handed its messages gets live ones behind them, undelayed and once."""
        self.say(*range(BATCH + 50))
        client = self.juliet()
        self.say("live")
        self.romeo.send(
            f"<message to='{JULIET}' type='chat'><gone xmlns='http://jabber.org/protocol/chatstates'/></message>"
        )
        self.say("direct", to=f"{JULIET}/balcony")
        self.assertEqual(len(bodies(client, keep=True)), BATCH)
        self.memory.clock.advance(0)
        messages = [element for element in client.inbox if element.tag.endswith("message")]
        self.assertEqual([m.findtext(BODY) for m in messages[-3:]], ["live", None, "direct"])
        self.assertEqual([len(m.findall("{urn:xmpp:delay}delay")) for m in messages[-4:]], [1, 0, 0, 0])
        self.assertEqual(self.stored(), [])
        self.say("later")
        self.assertEqual(bodies(client)[-1], "later")

    def test_what_came_meanwhile_is_stored_until_it_is_handed_over(self) -> None:
        """Live messages that wait behind stored ones outlive the connection."""
        self.say(*range(BATCH + 1))
        client = self.juliet()
        self.say("live")
        self.assertEqual(len(self.stored()), 2)
        assert client.carrier is not None
        client.carrier.lose()
        self.memory.clock.advance(0)
        self.assertEqual(bodies(self.juliet("chamber")), [str(BATCH), "live"])

    def test_another_resource_goes_on_where_one_left(self) -> None:
        """Two that come at the same moment do not both get them; if the first is lost the second gets the rest."""
        self.say(*range(BATCH + 1))
        first = self.juliet("balcony")
        second = self.juliet("chamber")
        self.assertEqual(len(bodies(first)), BATCH)
        self.assertEqual(bodies(second), [])
        assert first.carrier is not None
        first.carrier.lose()
        self.memory.clock.advance(0)
        self.assertEqual(bodies(second), [str(BATCH)])

    def test_what_cannot_be_read_back_blocks_nothing(self) -> None:
        """An entry that is no stanza is put aside, and said once in the log; the rest is delivered.

        promises#always-readable.
        """
        self.say("one")
        broken = NewEntry("broken", 1.0, "romeo@localhost", b"<message><body>")
        now(self.memory.storage.commit(Append(STORE, JULIET, broken)))
        self.say("two")
        self.assertEqual(bodies(self.juliet()), ["one", "two"])
        self.assertEqual(self.stored(), [])
        aside: list[Entry] = now(self.memory.storage.read(ASIDE, JULIET))
        self.assertEqual([entry.stanza for entry in aside], [b"<message><body>"])

    def test_bounded_by_size(self) -> None:
        """limits.offline_bytes: beyond it the sender gets service-unavailable, until something was fetched."""
        memory = MemoryServer(OPTIONS + "[limits]\noffline_bytes = 65536\n")
        memory.add_account(JULIET)
        romeo = memory.logged_in("romeo@localhost/orchard")
        for _ in range(3):
            romeo.send(f"<message to='{JULIET}'><body>{'x' * 30_000}</body></message>")
        self.assertEqual([element.get("type") for element in romeo.inbox], ["error"])
        memory.logged_in(f"{JULIET}/balcony").send("<presence/>")
        memory.server.registry.resources(JULIET)[0].close()
        romeo.send(f"<message to='{JULIET}'><body>{'x' * 30_000}</body></message>")
        self.assertEqual(len(romeo.inbox), 1)

    def test_counts_survive_a_restart(self) -> None:
        """What waits is counted from the store when it is not known."""
        self.say("one", "two", "three")
        self.inbox.let_go(JID.parse(JULIET))
        usage = now(self.inbox._records.count(JULIET))
        self.assertEqual(usage.messages, 3)
        self.assertEqual(usage.size_bytes, sum(len(entry.stanza) for entry in self.stored()))

    def test_a_failed_commit_is_told_to_the_sender(self) -> None:
        """promises#disk-full: what cannot be stored is refused with resource-constraint, and the service goes on."""
        self.memory.storage.failing = StorageFailed("no disk")
        self.say("lost")
        self.memory.storage.failing = None
        self.say("kept")
        errors = [element.find("{jabber:client}error") for element in self.romeo.inbox]
        self.assertEqual([e.get("type") for e in errors if e is not None], ["wait"])
        self.assertEqual(bodies(self.juliet()), ["kept"])

    def fails_to_remove(self, *before: str) -> Client:
        """Juliet comes, and is handed what is stored while the disk is broken."""
        client = self.memory.logged_in(f"{JULIET}/balcony")
        for text in before:
            client.send(text)
        self.memory.storage.failing = StorageFailed("no disk")
        client.send("<presence/>")
        self.memory.clock.advance(2 * RETRY_S)
        self.memory.storage.failing = None
        return client

    def test_what_cannot_be_removed_is_removed_later(self) -> None:
        """A session is given its messages once, also while their removal fails; they go as soon as it can.

        promises#once-in-order.
        """
        self.say("one")
        client = self.fails_to_remove()
        self.assertEqual((bodies(client), len(self.stored())), (["one"], 1))
        self.say("two")
        self.memory.clock.advance(RETRY_S)
        self.assertEqual((bodies(client), self.stored()), (["two"], []))

    def test_what_cannot_be_removed_is_not_given_to_the_next_session(self) -> None:
        """Nor is who comes next given it: it was written to a client, which is known while the server runs."""
        self.say("one")
        client = self.fails_to_remove()
        client.send("</stream:stream>")
        self.assertEqual(bodies(self.juliet("chamber")), [])
        self.memory.clock.advance(RETRY_S)
        self.assertEqual((self.stored(), self.inbox._records._live), ([], {}))

    def test_what_cannot_be_removed_waits_for_acknowledgements(self) -> None:
        """XEP-0198: what may not have arrived stays stored, and is not given to the same session again."""
        self.say("one")
        client = self.fails_to_remove("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        self.memory.clock.advance(RETRY_S)
        self.assertEqual((bodies(client), len(self.stored())), (["one"], 1))
        client.send("</stream:stream>")
        self.assertEqual(bodies(self.juliet("chamber"))[:1], ["one"])

    def test_a_message_that_waits_for_the_count_meets_who_has_come(self) -> None:
        """While the store was counted somebody came: the message is handed over at once, not at the next login."""
        delayed = self.memory.storage
        delayed.clock, delayed.commit_delay_s = self.memory.clock, 0.5
        delayed.commit()  # so that counting waits for it
        self.say("one")
        client = self.juliet()
        for _ in range(8):
            self.memory.clock.advance(0.5)
        self.assertEqual(bodies(client), ["one"])
        self.assertEqual(self.stored(), [])

    def test_what_comes_behind_a_message_that_waited_for_the_count(self) -> None:
        """It is live, and behind that message all the same, while that is being read."""
        slow = self.memory.storage
        slow.clock, slow.read_delay_s = self.memory.clock, 0.5
        self.say("one", "two")
        slow.read_delay_s = 0.0
        client = self.memory.logged_in(f"{JULIET}/balcony")
        client.send("<presence/>")
        slow.read_delay_s = 0.5
        for _ in range(8):
            self.memory.clock.advance(0.5)
        self.assertEqual(bodies(client), ["one", "two"])
        slow.read_delay_s = 0.0
        self.assertEqual(self.stored(), [])

    def test_what_waits_behind_live_messages(self) -> None:
        """One that is away for a moment gets what came meanwhile behind what it was due before."""
        self.say(*range(BATCH + 1))
        client = self.juliet()
        self.say("live")
        client.send("<presence type='unavailable'/>")
        self.say("later")
        client.send("<presence/>")
        for _ in range(4):
            self.memory.clock.advance(0)
        self.assertEqual(bodies(client)[-3:], [str(BATCH), "live", "later"])
        self.assertEqual(self.stored(), [])

    def test_what_waits_while_the_store_is_read(self) -> None:
        """It is not forgotten when what was read has been handed over."""
        self.say("one")
        client = self.memory.logged_in(f"{JULIET}/balcony")
        slow = self.memory.storage
        slow.clock, slow.read_delay_s = self.memory.clock, 0.5
        client.send("<presence/><presence type='unavailable'/>")
        self.say("two")
        client.send("<presence/>")
        for _ in range(8):
            self.memory.clock.advance(0.5)
        self.assertEqual(bodies(client), ["one", "two"])

    def test_two_pages_at_once(self) -> None:
        """A record that stands on two pages is one in memory, until neither is in use."""
        self.say("one")
        records = self.inbox._records
        [first] = now(records.page(JULIET))
        [second] = now(records.page(JULIET))
        self.assertIs(first.record, second.record)
        records.unpin([first.record])
        self.assertIs(records.get(JULIET, first.record.id), first.record)
        records.unpin([second.record])
        self.assertEqual(records._live, {})

    def test_emptied_since(self) -> None:
        """What was told while the store was read counts for more than what was read."""
        records = self.inbox._records
        records.waits("nurse@localhost")
        told = records.told("nurse@localhost")
        records.waits("nurse@localhost")
        records.emptied("nurse@localhost", told)
        self.assertTrue(records.may_wait("nurse@localhost"))
        records.emptied("nurse@localhost", records.told("nurse@localhost"))
        self.assertFalse(records.may_wait("nurse@localhost"))

    def test_a_recipient_that_leaves_while_preferences_are_read(self) -> None:
        """Its message goes to who is there, once: who has a carbon has it."""
        for carbons in ("", "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>"):
            self.memory = MemoryServer()
            self.romeo = self.memory.logged_in("romeo@localhost/orchard")
            phone = self.juliet("phone", f"{carbons}<enable xmlns='urn:xmpp:sm:3'/><presence/>")
            balcony = self.juliet()
            slow = self.memory.storage
            slow.clock, slow.read_delay_s = self.memory.clock, 0.5
            self.say("one", to=f"{JULIET}/balcony")
            self.memory.clock.advance(0.5)  # Romeo's own
            assert balcony.carrier is not None
            balcony.carrier.lose()
            for _ in range(8):
                self.memory.clock.advance(0.5)
            self.assertEqual(len(list(_bodies(phone))), 1)

    def test_removal_of_the_account(self) -> None:
        """Nothing of a removed account counts for one that is made under its name."""
        self.say("one")
        now(self.memory.server.accounts.remove(JID.parse(JULIET)))
        self.assertIsNone(self.inbox._records._usages.get(JULIET))

    def test_nothing_is_read_for_who_has_nothing(self) -> None:
        """A login reads the store only where something may wait: before, or since the server started."""
        owners: list[str] = []
        read = self.memory.storage.read

        def counted(store: str, owner: str, *selection: Any, **how: Any) -> Any:
            owners.append(owner)
            return read(store, owner, *selection, **how)

        self.patch(self.memory.storage, "read", counted)
        self.juliet()
        self.assertEqual(owners, [])
        self.memory.server.registry.resources(JULIET)[0].close()
        self.say("one")
        self.assertEqual(bodies(self.juliet()), ["one"])
        self.assertEqual(set(owners), {JULIET})
        self.memory.server.registry.resources(JULIET)[0].close()
        owners.clear()
        self.juliet()
        self.assertEqual(owners, [])

    def test_nothing_is_read_either_without_stream_management(self) -> None:
        """What sessions have left is known too where none can be resumed any more."""
        self.memory = MemoryServer("[modules.sm]\nenabled = false\n")
        reads: list[tuple[str, str]] = []
        self.patch(
            self.memory.storage, "read", lambda store, owner, *how, **more: reads.append((store, owner))
        )
        self.juliet()
        self.assertEqual(reads, [])

    def test_what_waited_before_the_start_is_known(self) -> None:
        """Who has something from before the start is asked for, also while that is still being learnt."""
        self.say("one")
        learnt = self.memory.storage.owners(STORE)
        later: Deferred[list[str]] = Deferred()
        self.patch(self.memory.storage, "owners", lambda store: later)
        records = Records(self.memory.storage, self.memory.server.timers, lambda: 0.0)
        records.learn()
        self.assertTrue(records.may_wait(JULIET) and records.may_wait("nobody@localhost"))
        later.callback(now(learnt))
        self.assertTrue(records.may_wait(JULIET))
        self.assertFalse(records.may_wait("nobody@localhost"))

    def test_odd_content_survives(self) -> None:
        """Content survives offline storage unchanged, newlines in attributes and CDATA too.

        promises#content-unchanged.
        """
        odd = "<x xmlns='urn:example' a='1&#10;2&#9;&apos;'><![CDATA[<b>&]]>\u2028</x>"
        self.romeo.send(f"<message to='{JULIET}' type='chat' id='&lt;&amp;&#10;'><body/>{odd}</message>")
        client = self.juliet()
        message = client.inbox[-1]
        found = message.find("{urn:example}x")
        assert found is not None
        self.assertEqual((message.get("id"), found.get("a"), found.text), ("<&\n", "1\n2\t'", "<b>&\u2028"))


OPTIONS = "[modules.mam]\nenabled = false\n"


def bodies(client: Client, *, keep: bool = False) -> list[str | None]:
    """Give the bodies of the messages that a client has received; forget them unless *keep*."""
    found = list(_bodies(client))
    if not keep:
        client.inbox.clear()
    return found


def _bodies(client: Client) -> Iterator[str | None]:
    for element in client.inbox:
        if element.tag == "{jabber:client}message":
            yield element.findtext(BODY)

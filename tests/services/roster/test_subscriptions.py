"""Subscriptions beside the tables: requests and their limits, order, failures, shared groups."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.services.roster.rosters import JULIET, ROMEO, RosterWorld, pushes
from xmppd.services.roster import subscription_states as states
from xmppd.services.roster.items import RosterItem
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Change, StorageFailed
from xmppd.testing.sessions import written

TYBALT = JID.parse("tybalt@example.net")


def request(*children: Element, contact: JID = JULIET) -> Stanza:
    """Give a request of somebody's for Romeo's presence."""
    return Stanza.make(
        "presence",
        *children,
        from_=f"{contact}/balcony",
        to="romeo@localhost/orchard",
        type="subscribe",
        id="x1",
    )


class RequestTests(SynchronousTestCase):
    """RFC 6121 3.1.3: requests that come and wait."""

    def setUp(self) -> None:
        self.world = RosterWorld("[limits]\npending_subscriptions = 2\nsubscription_request_bytes = 200")
        self.session = self.world.session()

    def receive(self, stanza: Stanza, contact: JID = JULIET) -> None:
        """Let a request come."""
        self.successResultOf(self.world.subscriptions.receive(stanza, ROMEO, contact))

    def pending(self) -> list[Stanza]:
        """Give what waits, as it is stored."""
        return list(self.world.subscriptions.pending_for(self.world.stored()))

    def test_kept_whole_from_bare_to_bare(self) -> None:
        """All children and the id are kept; the addresses are bare."""
        self.receive(
            request(Element("status", "jabber:client", children=["O!"]), Element("nick", "urn:nick"))
        )
        (kept,) = self.pending()
        self.assertEqual((kept.from_, kept.to, kept.id), (JULIET.bare, ROMEO.bare, "x1"))
        self.assertEqual(kept.child_names, (("jabber:client", "status"), ("urn:nick", "nick")))
        self.assertEqual(written(self.session), kept.to_bytes())

    def test_a_large_request_is_kept_without_its_children(self) -> None:
        """limits.subscription_request_bytes: the request counts, its ornaments do not."""
        self.receive(request(Element("status", "jabber:client", children=["O!" * 200])))
        (kept,) = self.pending()
        self.assertEqual((kept.from_, kept.type, kept.child_names), (JULIET.bare, "subscribe", ()))

    def test_only_so_many_wait(self) -> None:
        """limits.pending_subscriptions: one more is ignored until one is answered."""
        for name in "abc":
            jid = JID.parse(f"{name}@example.net")
            self.receive(request(contact=jid), jid)
        self.assertEqual([stanza.from_ for stanza in self.pending()], ["a@example.net", "b@example.net"])
        self.world.send("unsubscribed", JID.parse("a@example.net"))
        self.receive(request())
        self.assertEqual([stanza.from_ for stanza in self.pending()], ["b@example.net", "juliet@example.net"])

    def test_the_first_request_is_kept(self) -> None:
        """A second one of the same contact neither replaces it nor is delivered."""
        self.receive(request())
        written(self.session)
        self.receive(request(Element("nick", "urn:nick")))
        self.assertEqual((written(self.session), len(self.pending())), (b"", 1))
        self.assertEqual(self.pending()[0].child_names, ())

    def test_nobody_is_not_asked(self) -> None:
        """A request for an account that does not exist is ignored, and nothing is stored or answered."""
        nobody = JID.parse("nobody@localhost")
        self.successResultOf(self.world.subscriptions.receive(request(), nobody, JULIET))
        stores = self.successResultOf(self.world.memory.storage.load(nobody.bare, ("subscription_requests",)))
        self.assertEqual((stores, self.world.told), ({"subscription_requests": {}}, []))

    def test_what_cannot_be_read_does_not_block_the_rest(self) -> None:
        """A kept request that is no stanza is left out."""
        self.receive(request())
        self.world.roster().put_request("bad@x", b"<presence")
        self.assertEqual(len(list(self.world.subscriptions.pending_for(self.world.roster()))), 1)


class SubscriptionTests(SynchronousTestCase):
    """Order, failures and what a client cannot do."""

    def setUp(self) -> None:
        self.world = RosterWorld("[limits]\nroster_items = 1")
        self.session = self.world.session()

    def refused(self, deferred: Deferred[None]) -> str:
        """Give the condition of a failure."""
        error = self.failureResultOf(deferred, StanzaError).value
        assert isinstance(error, StanzaError)
        return error.condition

    def sent(self, type: str, contact: JID) -> Deferred[None]:
        """Let Romeo send a subscription stanza."""
        stanza = Stanza.make("presence", from_=ROMEO.bare, to=contact.bare, type=type)
        return self.world.subscriptions.send(stanza, ROMEO, contact)

    def test_not_to_oneself(self) -> None:
        """One's own presence needs no subscription."""
        self.assertEqual(self.refused(self.sent("subscribe", ROMEO)), "not-allowed")
        self.successResultOf(self.world.subscriptions.receive(request(contact=ROMEO), ROMEO, ROMEO))
        self.assertEqual(len(self.world.roster()), 0)

    def test_a_full_roster_asks_nobody(self) -> None:
        """limits.roster_items holds for contacts that a request or an approval would add; nothing leaves."""
        self.world.send("subscribe")
        self.world.told.clear()
        self.assertEqual(self.refused(self.sent("subscribe", TYBALT)), "policy-violation")
        self.assertEqual(self.refused(self.sent("subscribed", TYBALT)), "policy-violation")
        self.assertEqual(self.world.told, [])

    def test_a_failed_commit_tells_nobody(self) -> None:
        """resource-constraint: nothing is pushed, routed or delivered, and the state is as before."""
        self.world.memory.storage.failing = StorageFailed("broken")
        self.assertEqual(self.refused(self.sent("subscribe", JULIET)), "resource-constraint")
        received = self.world.subscriptions.receive(request(), ROMEO, JULIET)
        self.assertEqual(self.refused(received), "resource-constraint")
        self.assertEqual((written(self.session), self.world.told), (b"", []))
        self.assertEqual(self.world.roster().state(JULIET.bare), states.NONE)

    def test_a_broken_subscription_is_not_shown_presence(self) -> None:
        """3.1.5: between approval and presence the state is looked at again."""
        self.world.receive("subscribe")
        waiting: Deferred[bool] = Deferred()
        self.world.door.answer = lambda traffic: waiting
        approved = self.sent("subscribed", JULIET)
        refused = self.sent("unsubscribed", JULIET)
        waiting.callback(True)
        self.successResultOf(approved)
        self.successResultOf(refused)
        self.assertEqual(self.world.told, [f"withdrawn {JULIET}"])

    def test_order_of_two_sessions(self) -> None:
        """What two sessions of an account send to one contact leaves in the order of the changes."""
        storage = self.world.memory.storage
        commit, waiting = storage.commit, list[Deferred[None]]()

        def slow(*changes: Change) -> Deferred[None]:
            done: Deferred[None] = Deferred()
            waiting.append(done.addCallback(lambda _: commit(*changes)))
            return done

        self.patch(storage, "commit", slow)
        types = ("subscribe", "unsubscribe", "subscribe")
        sent = [self.sent(type, JULIET) for type in types]
        self.assertEqual((len(waiting), self.world.told), (1, []))
        for index in range(3):
            waiting[index].callback(None)
        for done in sent:
            self.successResultOf(done)
        self.assertEqual(self.world.told, [f"{type} {JULIET}" for type in types])
        self.assertEqual(self.world.stored().state(JULIET.bare), states.NONE_OUT)

    def test_the_contact_keeps_name_and_groups(self) -> None:
        """A change of state changes nothing else of the item."""
        self.successResultOf(self.world.rosters.set(ROMEO, JULIET.bare, "Juliet", ("Love",)))
        self.world.send("subscribe")
        self.world.receive("subscribed")
        expected = RosterItem(JULIET.bare, "Juliet", "to", groups=("Love",))
        self.assertEqual(self.world.stored().item(JULIET.bare), expected)

    def test_ending_what_never_was_adds_no_contact(self) -> None:
        """Stanzas that change nothing leave no item behind."""
        for type in ("unsubscribe", "unsubscribed"):
            self.world.send(type)
            self.world.receive(type)
        self.world.receive("subscribed")
        self.assertEqual(pushes(self.session), ([], []))
        self.assertEqual(len(self.world.stored()), 0)

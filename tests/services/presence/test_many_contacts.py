"""What others can pile up for an account, and what it can pile up itself: bounded, and taken in turns."""

from twisted.trial.unittest import SynchronousTestCase

from tests.services.presence.presences import PresenceWorld
from tests.services.roster.rosters import JULIET, ROMEO, RosterWorld
from xmppd.services.roster.subscriptions import WHOLE_REQUESTS
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.testing.server import now
from xmppd.testing.sessions import written

KIB = 1024


def request(number: int, size_bytes: int = 0) -> Stanza:
    """Give a request of one of many strangers."""
    status = b"<status>%s</status>" % (b"x" * size_bytes)
    stranger = f"stranger{number}@example.net"
    return Stanza.make("presence", status, from_=stranger, to=ROMEO.bare, type="subscribe")


class RequestFloodTests(SynchronousTestCase):
    """RFC 6121 3.1.3, promises#bounded: requests are kept until they are answered."""

    def flood(self, world: RosterWorld, count: int, size_bytes: int) -> None:
        """Let so many strangers ask."""
        for number in range(count):
            stanza = request(number, size_bytes)
            now(world.subscriptions.receive(stanza, ROMEO, JID.parse(stanza.from_ or "")))

    def test_no_more_than_the_limit_are_kept(self) -> None:
        """Of 5,000 requests the first 1,000 are kept; the others are dropped, and no roster item comes of any."""
        world = RosterWorld()
        world.memory.add_account(ROMEO.bare)
        keep = world.roster()
        self.flood(world, 5_000, 0)
        self.assertEqual((len(keep.pending), len(keep)), (1_000, 0))
        self.assertIn("stranger999@example.net", keep.pending)

    def test_large_ones_lose_their_children_once_they_are_many(self) -> None:
        """What all of them take is bounded too; each is still shown, the first ones whole."""
        world = RosterWorld()
        world.memory.add_account(ROMEO.bare)
        keep = world.roster()
        self.flood(world, 1_000, 15 * KIB)
        self.assertEqual(len(keep.pending), 1_000)
        self.assertLess(sum(map(len, keep.pending.values())), 16 * KIB * WHOLE_REQUESTS + 200 * 1_000)
        self.assertGreater(len(keep.pending["stranger0@example.net"]), 15 * KIB)

    def test_an_answer_on_the_way_takes_a_request_out(self) -> None:
        """What was answered while the requests are being shown is not shown any more."""
        world = RosterWorld()
        world.memory.add_account(ROMEO.bare)
        roster = world.roster()
        self.flood(world, 3, 0)
        shown = world.subscriptions.pending_for(roster)
        self.assertEqual(next(shown).from_, "stranger0@example.net")
        world.send("unsubscribed", JID.parse("stranger1@example.net"))
        self.assertEqual([stanza.from_ for stanza in shown], ["stranger2@example.net"])


class PresenceOfManyTests(SynchronousTestCase):
    """A session's own doings."""

    def test_requests_are_shown_in_turns(self) -> None:
        """RFC 6121 3.1.3: 1,000 requests at initial presence, each once, and the next stanza waits for them."""
        world = PresenceWorld()
        world.memory.add_account(ROMEO.bare)
        orchard = world.bind("romeo@localhost/orchard")
        for number in range(1_000):
            world.server.router.route(request(number))
        waiting = world.send(orchard, Stanza.make("presence"))
        self.assertLess(written(orchard).count(b"'subscribe'"), 300)
        self.assertFalse(waiting.called)
        world.turns(20)
        self.assertTrue(waiting.called)
        self.assertGreater(written(orchard).count(b"'subscribe'"), 700)

    def test_rosters_of_others_cost_nothing(self) -> None:
        """RFC 6121 2.1.5: a stranger that asks for a roster is refused before it is loaded."""
        world = PresenceWorld()
        world.memory.add_account(JULIET.bare.replace("example.net", "localhost"))
        query = b"<query xmlns='jabber:iq:roster'/>"
        orchard = world.bind("romeo@localhost/orchard")
        world.send(orchard, Stanza.make("iq", query, to="juliet@localhost", id="1", type="get"))
        self.assertIn(b"service-unavailable", written(orchard))
        self.assertIs(world.server.rosters.loaded("juliet@localhost"), None)

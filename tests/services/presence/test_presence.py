"""Who hears of whom, and when: RFC 6121 4."""

from twisted.trial.unittest import SynchronousTestCase

from tests.counting import calls
from tests.services.presence.presences import STANZA, PresenceWorld, read, seen
from xmppd.core.session import Session
from xmppd.core.turns import DELIVERED, Turns
from xmppd.services.presence.presence import UNSENT_BYTES
from xmppd.services.roster.roster import Roster, RosterItem
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.testing.doors import FakeDoor
from xmppd.testing.server import now
from xmppd.testing.sessions import FakeConnection, written

ROMEO, JULIET = "romeo@localhost", "juliet@localhost"
ORCHARD, BALCONY, CHAMBER = f"{ROMEO}/orchard", f"{JULIET}/balcony", f"{JULIET}/chamber"
CHUNK = 200
"""Deliveries in one turn in these tests."""
TURN_CALLS = 60_000
"""The most functions that one turn may call."""


def crowd(count: int) -> list[str]:
    """Give so many bare JIDs."""
    return [f"friend{number}@localhost" for number in range(count)]


class BroadcastTests(SynchronousTestCase):
    """Undirected presence: 4.2, 4.4, 4.5."""

    def setUp(self) -> None:
        """Romeo and Juliet know each other."""
        self.world = PresenceWorld()
        self.world.befriend(ROMEO, JULIET)

    def test_initial_presence_reaches_oneself_and_contacts_and_shows_them(self) -> None:
        """RFC 6121 4.2.2, 4.3: own resources and the contacts' get it once, and theirs are shown once, as old ones."""
        balcony, chamber = self.world.come(BALCONY), self.world.come(CHAMBER)
        seen(balcony)
        garden = self.world.come(f"{ROMEO}/garden")
        seen(balcony), seen(chamber)
        orchard = self.world.bind(ORCHARD)
        self.world.send(orchard)
        self.assertEqual(
            seen(orchard), [ORCHARD, f"{ROMEO}/garden then", f"{BALCONY} then", f"{CHAMBER} then"]
        )
        self.assertEqual([seen(other) for other in (garden, balcony, chamber)], [[ORCHARD]] * 3)

    def test_later_presence_is_broadcast_and_asks_nothing(self) -> None:
        """RFC 6121 4.4.2: only told, no contact is shown again."""
        balcony, orchard = self.world.come(BALCONY), self.world.come(ORCHARD)
        self.world.send(orchard)
        self.assertEqual((seen(orchard), seen(balcony)), ([ORCHARD], [ORCHARD]))

    def test_connected_resources_that_are_not_available_hear_nothing(self) -> None:
        """RFC 6121 4.2.3: presence goes to available resources."""
        balcony, orchard = self.world.bind(BALCONY), self.world.bind(ORCHARD)
        self.world.send(orchard)
        self.assertEqual((seen(orchard), seen(balcony)), ([ORCHARD], []))

    def test_one_way_subscriptions(self) -> None:
        """RFC 6121 4.2.2, 4.3: presence flows only in the direction of the subscription."""
        world = PresenceWorld()
        world.know(ROMEO, JULIET, subscription="from")
        world.know(JULIET, ROMEO, subscription="to")
        balcony = world.come(BALCONY)
        orchard = world.bind(ORCHARD)
        world.send(orchard)
        self.assertEqual((seen(orchard), seen(balcony)), ([ORCHARD], [ORCHARD]))
        world.send(balcony)
        self.assertEqual(seen(orchard), [])

    def test_unavailable_on_close_and_on_lost_connection(self) -> None:
        """RFC 6121 4.5.2, 4.5.3: contacts and own resources learn it once, whichever way a session ends."""
        balcony, garden = self.world.come(BALCONY), self.world.come(f"{ROMEO}/garden")
        for end in (Session.close, self.world.lose):
            orchard = self.world.come(ORCHARD)
            seen(garden), seen(balcony)
            end(orchard)
            end(orchard)
            gone = [f"{ORCHARD} unavailable"]
            self.assertEqual((seen(garden), seen(balcony)), (gone, gone))

    def test_unavailable_reaches_its_sender_and_is_not_repeated_at_the_end(self) -> None:
        """RFC 6121 4.5.2: the resource itself gets it; its end later tells nobody again."""
        balcony, orchard = self.world.come(BALCONY), self.world.come(ORCHARD)
        self.world.send(orchard, Stanza.make("presence", type="unavailable"))
        gone = [f"{ORCHARD} unavailable"]
        self.assertEqual((seen(orchard), seen(balcony)), (gone, gone))
        orchard.close()
        self.assertEqual(seen(balcony), [])

    def test_remote_contacts_are_told_and_probed(self) -> None:
        """RFC 6121 4.2.2, 4.3.1: to the bare JID each; the probe comes from the full JID."""
        world = PresenceWorld()
        world.know(ROMEO, "juliet@example.net")
        world.know(ROMEO, "nurse@example.net", subscription="to")
        orchard = world.bind(ORCHARD)
        world.send(orchard)
        told = [(s.type, s.from_, s.to) for s in world.routed]
        self.assertEqual(
            told,
            [
                (None, ORCHARD, "juliet@example.net"),
                ("probe", ORCHARD, "juliet@example.net"),
                ("probe", ORCHARD, "nurse@example.net"),
            ],
        )

    def test_what_is_no_presence(self) -> None:
        """RFC 6121 4.7.1, 4.7.2.3: unknown types and priorities that are no integer are refused; nobody is told."""
        balcony, orchard = self.world.come(BALCONY), self.world.come(ORCHARD)
        for stanza in (
            Stanza.make("presence", id="p1", type="here"),
            Stanza.make("presence", b"<priority>high</priority>", id="p1"),
            Stanza.make("presence", b"<priority>1_0</priority>", id="p1"),
            Stanza.make("presence", b"<priority>%s</priority>" % (b"9" * 5_000), id="p1"),
        ):
            self.world.send(orchard, stanza)
            answer = written(orchard)
            self.assertIn(b"bad-request", answer)
            self.assertIn(b"id='p1'", answer)
        self.assertEqual(seen(balcony), [])

    def test_priorities_are_clamped(self) -> None:
        """RFC 6121 4.7.2.3: within -128..127 inside, relayed as they are."""
        orchard = self.world.come(ORCHARD)
        for sent, kept in ((b"999", 127), (b"-999", -128), (b" 5 ", 5), (b"+7", 7), (b"", 0)):
            self.world.send(orchard, Stanza.make("presence", b"<priority>%s</priority>" % sent))
            self.assertEqual(orchard.priority, kept)
            self.assertIn(b">%s<" % sent, written(orchard))

    def test_presence_of_strange_types_from_elsewhere_is_refused(self) -> None:
        """RFC 6121 4.7.1: whoever it comes from."""
        self.world.come(BALCONY)
        odd = Stanza.make("presence", from_="a@example.net/x", to=JULIET, type="here")
        self.world.server.router.route(odd)
        self.assertEqual([s.type for s in self.world.routed], ["error"])

    def test_errors_go_to_the_resource_they_are_for(self) -> None:
        """RFC 6121 8.5: a presence error for a full JID is delivered, one for the account is not."""
        balcony = self.world.come(BALCONY)
        for to in (BALCONY, JULIET):
            error = Stanza.make("presence", from_="a@example.net", to=to, type="error")
            self.world.server.router.route(error)
        self.assertEqual(seen(balcony), ["a@example.net error"])


class GatewayTests(SynchronousTestCase):
    """A contact at a component, such as a gateway to another network, is as one on another server."""

    def setUp(self) -> None:
        """Romeo has a contact at the gateway; both see each other."""
        self.world = PresenceWorld('[components."gateway.localhost"]\nsecret = "of no use here"')
        self.world.know(ROMEO, "juliet@gateway.localhost")
        self.domain = self.world.server.router.service("gateway.localhost")
        self.door = FakeDoor()
        self.domain.open(self.door)

    def got(self) -> list[tuple[str | None, ...]]:
        """Give what the component has got since the last look."""
        got: list[tuple[str | None, ...]] = [(s.type, s.from_, s.to) for s in self.door.stanzas]
        self.door.traffics.clear()
        return got

    def test_comes_and_goes(self) -> None:
        """RFC 6121 4.2, 4.3, 4.5: it is told and probed, and told again at the end."""
        contact = "juliet@gateway.localhost"
        session = self.world.come(ORCHARD)
        self.assertEqual(self.got(), [(None, ORCHARD, contact), ("probe", ORCHARD, contact)])
        self.world.send(session)
        self.assertEqual(self.got(), [(None, ORCHARD, contact)])
        self.world.lose(session)
        self.assertEqual(self.got(), [("unavailable", ORCHARD, contact)])
        self.assertEqual(self.world.routed, [])

    def test_what_it_says_of_itself(self) -> None:
        """The presence of the gateway's contact reaches Romeo, and so does the answer to its probe."""
        session = self.world.come(ORCHARD)
        contact = "juliet@gateway.localhost/phone"
        self.door.traffics.clear()
        self.domain.send(Stanza.make("presence", from_=contact, to=ROMEO))
        self.assertEqual(seen(session), [contact])
        self.domain.send(Stanza.make("presence", from_="juliet@gateway.localhost", to=ROMEO, type="probe"))
        self.assertEqual(self.got(), [(None, ORCHARD, "juliet@gateway.localhost")])

    def test_subscription(self) -> None:
        """RFC 6121 3.1: a request reaches the gateway, and what it approves is shown."""
        session = self.world.come(ORCHARD)
        self.got()
        self.world.send(session, Stanza.make("presence", to="nurse@gateway.localhost", type="subscribe"))
        self.assertEqual(self.got(), [("subscribe", ROMEO, "nurse@gateway.localhost")])


class CrowdTests(SynchronousTestCase):
    """Fan-out to many, in turns."""

    def setUp(self) -> None:
        """Romeo has three turns of friends, and all are online."""
        self.world = PresenceWorld()
        self.names = crowd(3 * CHUNK)
        self.world.befriend(ROMEO, *self.names)
        self.friends = [self.world.bind(f"{name}/home") for name in self.names]
        for friend in self.friends:
            self.world.send(friend)
        self.world.turn()
        for friend in self.friends:
            written(friend)
        self.orchard = self.world.bind(ORCHARD)
        self.world.server.services[Turns].budget = CHUNK * DELIVERED

    def told(self) -> list[list[str]]:
        """Give what each friend has seen."""
        return [seen(friend) for friend in self.friends]

    def test_goes_on_in_later_turns_and_the_next_stanza_waits(self) -> None:
        """RFC 6121 4.2.2: all are told in the end, some in each turn; the client's next stanza has to wait."""
        waiting = self.world.send(self.orchard)
        done: list[object] = []
        waiting.addCallback(done.append)
        self.assertEqual(sum(map(len, self.told())), CHUNK - 1)  # and one to Romeo himself
        self.world.turn()
        self.assertEqual(sum(map(len, self.told())), CHUNK)
        self.assertEqual(done, [])
        self.world.turns()
        self.assertEqual(len(done), 1)
        shown = [ORCHARD, *(f"{name}/home then" for name in self.names)]
        self.assertEqual(sorted(seen(self.orchard)), sorted(shown))

    def test_who_comes_meanwhile_is_told_once(self) -> None:
        """A resource that becomes available during a fan-out, before or behind its turn, sees each presence once."""
        self.world.send(self.orchard)
        late = [self.world.bind(f"{name}/late") for name in (self.names[0], self.names[-1])]
        for session in late:
            self.world.send(session)
        self.world.turns()
        for session in late:
            self.assertEqual([line for line in seen(session) if ORCHARD in line], [f"{ORCHARD} then"])
        for friend in self.friends:
            self.assertEqual(seen(friend).count(ORCHARD), 1)
        shown = seen(self.orchard)
        for session in late:
            self.assertEqual([line for line in shown if str(session.full_jid) in line], [session.full_jid])

    def test_who_changes_presence_meanwhile_is_seen_once_more_and_as_it_is(self) -> None:
        """What a contact sends while one is shown one's contacts comes live, and is not shown again."""
        self.world.send(self.orchard)
        self.world.turns(3)
        self.world.send(self.friends[-1])
        self.world.turns()
        lines = [line for line in seen(self.orchard) if self.names[-1] in line]
        self.assertEqual(lines, [f"{self.names[-1]}/home"])

    def test_who_leaves_on_the_way_tells_no_more(self) -> None:
        """RFC 6121 4.5.3: a connection that is lost during its fan-out ends it; all are told that it is gone."""
        self.world.send(self.orchard)
        self.world.lose(self.orchard)
        self.world.turns()
        gone = f"{ORCHARD} unavailable"
        told = self.told()
        self.assertEqual({tuple(lines) for lines in told}, {(ORCHARD, gone), (gone,)})
        self.assertEqual(sum(ORCHARD in lines for lines in told), CHUNK - 1)

    def test_contacts_that_leave_on_the_way_are_not_shown(self) -> None:
        """RFC 6121 4.3: after each pause it is looked anew who is there."""
        self.world.send(self.orchard)
        for friend in self.friends[CHUNK:]:
            self.world.lose(friend)
        self.world.turns()
        self.assertEqual(len([line for line in seen(self.orchard) if line.endswith("then")]), CHUNK)

    def test_a_contact_removed_on_the_way_is_not_told(self) -> None:
        """RFC 6121 3.2.2: presence that was taken back is not sent afterwards."""
        self.world.send(self.orchard)
        now(self.world.server.rosters.remove(JID.parse(ROMEO), self.names[-1]))
        self.world.turns()
        lines = [line for line in seen(self.friends[-1]) if line.startswith(ORCHARD)]
        self.assertEqual(lines, [f"{ORCHARD} unavailable"])

    def test_the_same_full_jid_comes_back_behind_its_leaving(self) -> None:
        """RFC 6120 7.7.2.2: who replaces a session is bound when all know that it left; they see it come last."""
        self.world.send(self.orchard)
        self.world.turns()
        self.told()
        self.world.lose(self.orchard)
        again = self.world.bind(ORCHARD)
        bound = self.world.presence.left(ORCHARD)
        assert bound is not None
        bound.addCallback(lambda _: self.world.send(again))
        self.assertEqual(again.presence, None)
        self.world.turns()
        self.assertEqual({tuple(lines) for lines in self.told()}, {(f"{ORCHARD} unavailable", ORCHARD)})
        self.assertEqual(self.world.presence.left(ORCHARD), None)

    def test_a_failure_on_the_way_reaches_who_waits(self) -> None:
        """A fan-out that breaks does not leave its session waiting for ever."""
        waiting = self.world.send(self.orchard)
        self.world.presence.may_pass = lambda sender, target: 1 / 0 > 0
        self.world.turns()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertTrue(waiting.called)

    def test_a_client_that_does_not_read_is_shown_no_more_for_now(self) -> None:
        """Contacts' presence does not pile up for who does not take it; it comes when there is room."""
        conn = self.orchard.conn
        assert isinstance(conn, FakeConnection)
        jammed = JammedConnection()
        self.orchard.conn = jammed
        self.world.send(self.orchard)
        self.world.turns()
        self.assertEqual(len(read(jammed.data)), 2)  # itself, and the one that shows the jam
        jammed.unsent_bytes = 0
        self.world.turns()
        self.assertEqual(len(read(jammed.data)), 1 + len(self.names))


class JammedConnection(FakeConnection):
    """A connection whose peer does not read."""

    unsent_bytes = UNSENT_BYTES + 1


class LoadTests(SynchronousTestCase):
    """The promise about turns, with 5,000 contacts."""

    def setUp(self) -> None:
        """Romeo has 5,000 friends."""
        self.world = PresenceWorld()
        self.names = crowd(5_000)
        self.orchard = self.world.bind(ORCHARD)
        roster = self.orchard.roster
        assert isinstance(roster, Roster)
        fill(roster, self.names)

    def longest_turn(self) -> int:
        """Let Romeo come; give the calls of the longest turn."""
        took = [calls(self.world.send, self.orchard)]
        took += [calls(self.world.turn) for _ in range(100)]
        return max(took)

    def test_no_turn_is_long_when_all_are_online(self) -> None:
        """Coming online with 5,000 contacts, who are all there, is done in many turns, and all are told once."""
        friends = []
        mutual = Roster("x@localhost")
        fill(mutual, [ROMEO])
        for name in self.names:
            friend = self.world.bind(f"{name}/home")
            friend.roster, friend.presence = mutual, STANZA.replace(from_=f"{name}/home")
            friends.append(friend)
        self.assertLess(self.longest_turn(), TURN_CALLS)
        self.assertEqual({written(friend).count(b"<presence") for friend in friends}, {1})
        self.assertEqual(written(self.orchard).count(b"<presence"), 5_001)

    def test_no_turn_is_long_when_nobody_is_online(self) -> None:
        """Contacts that are not there count too."""
        waiting = self.world.send(self.orchard)
        self.assertFalse(waiting.called)
        self.world.turns()
        self.assertTrue(waiting.called)


def fill(roster: Roster, names: list[str]) -> None:
    """Put mutual contacts into a roster."""
    for name in names:
        roster.put(name, RosterItem(name, subscription="both"))

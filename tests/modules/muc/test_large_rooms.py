"""Rooms of thousands: who is told of whom, and how much is done at once."""

from dataclasses import replace
from xml.etree.ElementTree import fromstring

from twisted.trial.unittest import SynchronousTestCase

from tests.modules.muc.crowd import Crowd
from tests.modules.muc.test_rooms_and_views import NS_USER, OPTIONS, ROOM, admin, join
from xmppd.core.turns import BUDGET, DELIVERED, SPACE_S
from xmppd.services.rooms.room import Room
from xmppd.services.rooms.rooms import Rooms
from xmppd.stanza.stanza import Stanza
from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer

LARGE = 3
FIRST = 30
"""So many enter one after the other; those behind them at the same time."""
FORM = (
    f"<iq type='set' id='c' to='{ROOM.bare}'><query xmlns='http://jabber.org/protocol/muc#owner'>"
    "<x xmlns='jabber:x:data' type='submit'>"
    "<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>"
    "<field var='muc#roomconfig_{}'><value>{}</value></field></x></query></iq>"
)


class LargeRoomTests(SynchronousTestCase):
    """muc#roomconfig_presencebroadcast by size: three occupants are as many as all are told of."""

    def setUp(self) -> None:
        """The owner and two others come first; then two more."""
        self.server = MemoryServer(f"{OPTIONS}large = {LARGE}\n")
        self.clients: dict[str, Client] = {}
        for nick in ("owner", "early", "ann", "late", "last"):
            self.enter(nick)

    def enter(self, nick: str) -> None:
        """Log in and enter."""
        self.clients[nick] = self.server.logged_in(f"{nick}@localhost/1")
        self.send(nick, join(nick))

    def send(self, nick: str, text: str) -> None:
        """Let somebody send something."""
        self.clients[nick].send(text)
        self.server.settle()

    def leave(self, nick: str) -> None:
        """Let somebody leave."""
        self.send(nick, f"<presence to='{ROOM.bare}/{nick}' type='unavailable'/>")

    def told(self, nick: str) -> list[tuple[str, str]]:
        """Give whose presence somebody was told since, with the role or ``unavailable``."""
        found = []
        inbox = self.clients[nick].inbox
        while inbox:
            stanza = inbox.popleft()
            item = stanza.find(f"{NS_USER}x/{NS_USER}item")
            if stanza.tag.endswith("}presence") and item is not None:
                who = stanza.get("from", "").partition("/")[2]
                found.append((who, stanza.get("type") or item.get("role") or ""))
        return found

    def forget(self) -> None:
        """Forget what was told so far."""
        for client in self.clients.values():
            client.inbox.clear()

    def test_who_enters_a_large_room(self) -> None:
        """It is told of those who are shown to all, and of itself; moderators are told of it, others are not."""
        shown = [(nick, "participant") for nick in ("early", "ann", "last")]
        self.assertEqual(self.told("last"), [("owner", "moderator"), *shown])
        self.assertEqual(
            self.told("early"), [("owner", "moderator"), ("early", "participant"), ("ann", "participant")]
        )
        self.assertEqual([who for who, _ in self.told("owner")], ["owner", "early", "ann", "late", "last"])

    def test_who_leaves(self) -> None:
        """Whom all were told of leaves for all, who came late for moderators and itself."""
        self.forget()
        self.leave("late")
        self.leave("early")
        self.assertEqual(self.told("ann"), [("early", "unavailable")])
        self.assertEqual(self.told("late"), [("late", "unavailable")])
        self.assertEqual(self.told("owner"), [("late", "unavailable"), ("early", "unavailable")])

    def test_a_role(self) -> None:
        """8.5, 9: who becomes a moderator is shown to all and shown all; who was one is not any more."""
        self.forget()
        self.send("owner", admin("<item nick='late' role='moderator'/>"))
        self.assertEqual(self.told("ann"), [("late", "moderator")])
        everybody = {("owner", "moderator"), *((nick, "participant") for nick in ("early", "ann", "last"))}
        self.assertEqual(set(self.told("late")), {("late", "moderator"), *everybody})
        self.send("owner", admin("<item nick='late' role='participant'/>"))
        self.assertEqual(self.told("ann"), [("late", "participant")])
        self.assertEqual(self.told("late"), [("late", "participant"), ("last", "unavailable")])
        self.assertEqual(self.told("last"), [("late", "moderator"), ("late", "participant")])

    def test_what_is_said(self) -> None:
        """7.4: everybody hears everybody."""
        self.forget()
        self.send("last", f"<message to='{ROOM.bare}' type='groupchat' id='m'><body>Hail</body></message>")
        for client in self.clients.values():
            self.assertEqual([each.get("from") for each in client.inbox], [f"{ROOM.bare}/last"])

    def test_a_room_that_is_not_large_any_more(self) -> None:
        """All are told of who sends presence then."""
        self.leave("early")
        self.leave("ann")
        self.forget()
        self.send("last", f"<presence to='{ROOM.bare}/last'><show>away</show></presence>")
        self.assertEqual(self.told("late"), [("last", "participant")])
        self.send(
            "late", f"<presence to='{ROOM.bare}/late'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
        )
        self.assertIn(("late", "participant"), self.told("last"))

    def test_an_owner_who_wants_otherwise(self) -> None:
        """muc#roomconfig_thins_out: all are told of all who enter from then on."""
        self.send("owner", FORM.format("thins_out", "0"))
        self.forget()
        self.enter("more")
        for nick in ("owner", "early", "late", "last"):
            self.assertEqual(self.told(nick), [("more", "participant")])


class CrowdTests(SynchronousTestCase):
    """How much is done for one event, and in one turn of the reactor."""

    def crowd(self, count: int, options: str = "") -> tuple[Crowd, Room]:
        """Give a room that so many clients are in."""
        server = MemoryServer(OPTIONS + options)
        crowd = Crowd(server, ROOM.bare)
        crowd.add(count)
        for number in range(count):
            crowd.enter(number)
            if number < FIRST:
                server.settle()
        server.pass_time(60)
        room = server.server.services[Rooms].loaded[ROOM.bare]
        self.assertEqual(len(room.occupants), count)
        return crowd, room

    def test_ten_thousand(self) -> None:
        """10,000 in one room: who enters costs only who is shown; a message reaches all, once, in order."""
        crowd, room = self.crowd(10_000, "large = 20\nmax_occupants = 20_000\n")
        crowd.add(1)
        before = crowd.writes()
        crowd.enter(10_000)
        crowd.server.pass_time(10)
        self.assertLess(crowd.writes() - before, 40)
        for connection in crowd.connections:
            connection.kept = []
        for text in (b"one", b"two"):
            body = b"<body>%b</body>" % text
            crowd.send(5_000, Stanza.make("message", body, to=ROOM.bare, type="groupchat", id="m"))
        crowd.server.pass_time(10)
        heard = {tuple(_bodies(each.kept)) for each in crowd.connections}
        self.assertEqual(heard, {("one", "two")})
        self.assertEqual(len(room.takers), 10_001)

    def test_a_join_takes_turns(self) -> None:
        """A join into 5,000 of whom all are told: no turn writes more than its budget, and all is written."""
        crowd, room = self.crowd(5_000, "large = 20\n")
        for occupant in room.occupants.values():
            room.stand(occupant, occupant.role, is_seen=True)
        room.settings = replace(room.settings, thins_out=False)
        crowd.add(1)
        begun, turns = crowd.writes(), [0]
        crowd.enter(5_000)
        while sum(turns) < 10_000:
            before = begun + sum(turns)
            turns.append(crowd.writes() - before)
            self.assertLess(len(turns), 100, "it does not come to an end")
            crowd.server.clock.advance(SPACE_S)
        self.assertLessEqual(max(turns), BUDGET // DELIVERED)
        self.assertGreater(len(turns), 10_000 * DELIVERED / BUDGET)


def _bodies(kept: list[bytes] | None) -> list[str]:
    stanzas = fromstring(b"<all>%b</all>" % b"".join(kept or ()))
    return [each.text or "" for each in stanzas.iter("body")]

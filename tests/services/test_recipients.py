"""One stanza to many: who gets it, who is gone, in what order, and never for long."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.events import Traffic
from xmppd.core.lanes import BOUND
from xmppd.core.registry import SessionRegistry
from xmppd.core.session import Session
from xmppd.core.turns import AT_ONCE, BUDGET, DELIVERED
from xmppd.services.presence.blocking import Blocking
from xmppd.services.recipients import Recipients
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.testing.doors import FakeDoor
from xmppd.testing.server import MemoryServer, now
from xmppd.testing.sessions import FakeConnection, bound_session, written

ROOM = "room@rooms.example"
AT_MOST = AT_ONCE // DELIVERED
"""So many get it in the turn in which it came."""


def message(text: str) -> Stanza:
    """Give what a room sends."""
    return Stanza.make("message", b"<body>%b</body>" % text.encode(), from_=f"{ROOM}/romeo", type="groupchat")


class RecipientsTests(SynchronousTestCase):
    """`Recipients`."""

    def setUp(self) -> None:
        """Give each test a server whose clients are bound sessions; `routed` left it."""
        self.memory = MemoryServer("[hosts.localhost]\n")
        self.server = self.memory.server
        self.recipients = self.server.services[Recipients]
        self.routed: list[Stanza] = []
        self.server.router.remote.open(FakeDoor(self._remote))

    def _remote(self, traffic: Traffic) -> bool:
        self.routed.append(traffic.stanza)
        return True

    @property
    def registry(self) -> SessionRegistry:
        """Who is connected."""
        return self.server.registry

    def bind(self, *names: str) -> list[Session]:
        """Give connected resources."""
        return [bound_session(self.registry, f"{name}@localhost/phone") for name in names]

    def crowd(self, count: int) -> list[str]:
        """Give the addresses of many who are connected."""
        return [
            session.full_jid or "" for session in self.bind(*(f"user{number}" for number in range(count)))
        ]

    def got(self, address: str) -> int:
        """Give how many stanzas somebody has got so far."""
        session = self.registry.get(address)
        assert session is not None
        assert isinstance(session.conn, FakeConnection)
        return len(session.conn.written)

    def test_each_gets_its_copy(self) -> None:
        """At once, and with its own address."""
        sessions = self.bind("juliet", "nurse")
        takers = [session.full_jid or "" for session in sessions]
        self.assertIs(self.recipients.send(ROOM, message("a"), takers), None)
        for session, to in zip(sessions, takers, strict=True):
            self.assertEqual(written(session), message("a").replace(to=to).to_bytes())

    def test_who_is_gone(self) -> None:
        """A client of this server that is not connected is told of, once, behind the last copy; nobody keeps it."""
        (juliet,) = self.bind("juliet")
        takers = ["gone@localhost/phone", "juliet@localhost/phone", "juliet@localhost/other"]
        told: list[tuple[int, list[str]]] = []
        self.recipients.send(
            ROOM, message("a"), takers, lambda gone: told.append((self.got(takers[1]), list(gone)))
        )
        self.assertEqual(told, [(1, [takers[0], takers[2]])])
        self.registry.destroy(juliet)
        self.recipients.send(ROOM, message("b"), takers[1:2], lambda gone: told.append((0, list(gone))))
        self.assertEqual(told[1:], [(0, [takers[1]])])

    def test_nobody_gone(self) -> None:
        """Then there is nothing to tell."""
        self.bind("juliet")
        self.recipients.send(
            ROOM, message("a"), ["juliet@localhost/phone"], lambda gone: self.fail("nobody is gone")
        )

    def test_others_are_routed(self) -> None:
        """Who is on another server, or a service or component, is reached through the router, and never gone here."""
        takers = ["juliet@far.example/phone", "far.example", "nurse@far.example"]
        sent = Stanza.make("presence", from_="romeo@localhost/orchard")
        self.recipients.send("romeo", sent, takers, lambda gone: self.fail("nobody is gone"))
        self.assertEqual([stanza.to for stanza in self.routed], takers)

    def test_a_bare_jid_is_an_account(self) -> None:
        """Its resources get a headline by RFC 6121 8.5.2.1.1: all that are available and not negative."""
        present = bound_session(self.registry, "juliet@localhost/a", 0)
        away = bound_session(self.registry, "juliet@localhost/b", -1)
        news = Stanza.make("message", b"<body>x</body>", from_="news@localhost", type="headline")
        self.recipients.send("news", news, ["juliet@localhost"])
        self.assertIn(b"to='juliet@localhost'", written(present))
        self.assertEqual(written(away), b"")

    def test_who_blocks_the_sender(self) -> None:
        """XEP-0191 3.3: gets nothing, and is not gone."""
        blocked = (ROOM, f"{ROOM}/romeo", "rooms.example")
        self.bind("juliet", "nurse")
        blocking = self.server.services[Blocking]
        for jid in blocked:
            now(blocking.block(JID.parse("juliet@localhost"), [JID.parse(jid)]))
            self.recipients.send(
                ROOM,
                message("a"),
                ["juliet@localhost/phone", "nurse@localhost/phone"],
                lambda gone: self.fail("nobody is gone"),
            )
            now(blocking.unblock(JID.parse("juliet@localhost"), None))
        self.assertEqual((self.got("juliet@localhost/phone"), self.got("nurse@localhost/phone")), (0, 3))

    def test_many_in_turns(self) -> None:
        """No turn sends more than its budget; all get all, in order."""
        takers = self.crowd(5 * AT_MOST)
        for text in "abc":
            self.assertIs(self.recipients.send(ROOM, message(text), takers), None)
        sent = [sum(map(self.got, takers))]
        while sent[-1] < 3 * len(takers):
            self.memory.clock.advance(0.01)
            sent.append(sum(map(self.got, takers)))
        self.assertLessEqual(
            max(b - a for a, b in zip([0, *sent], sent, strict=False)), 2 * BUDGET // DELIVERED
        )
        for to in takers:
            session = self.registry.get(to)
            assert session is not None
            self.assertEqual(written(session), b"".join(message(t).replace(to=to).to_bytes() for t in "abc"))

    def test_a_small_room_beside_a_large_one(self) -> None:
        """What is for 200 leaves at once while another room's is under way."""
        takers = self.crowd(10 * AT_MOST)
        self.recipients.send("large", message("a"), takers)
        self.memory.clock.advance(0)
        self.recipients.send("small", message("b"), takers[-200:])
        self.assertEqual([self.got(to) for to in takers[-200:]], [1] * 200)

    def test_who_sends_too_much_waits(self) -> None:
        """A lane has a bound."""
        takers = self.crowd(10 * AT_MOST)
        waits: list[Deferred[None] | None] = [
            self.recipients.send(ROOM, message("a"), takers) for _ in range(BOUND + 1)
        ]
        self.assertEqual([wait is None for wait in waits], [True] * BOUND + [False])

    def test_who_leaves_meanwhile(self) -> None:
        """Each is looked up when it is its turn: who has left by then is gone."""
        takers = self.crowd(4 * AT_MOST)
        gone: list[str] = []
        self.recipients.send(ROOM, message("a"), takers, gone.extend)
        last = self.registry.get(takers[-1])
        assert last is not None
        self.registry.destroy(last)
        self.memory.clock.pump([0.01] * 20)
        self.assertEqual(gone, takers[-1:])

"""What goes to many, to sessions that keep what is not acknowledged (XEP-0198): shared, and as right as any stanza."""

from twisted.trial.unittest import SynchronousTestCase

from tests.services.stream_management.conversation import NS, Conversation, bodies
from xmppd.core.fanout import Fanout
from xmppd.core.filters import FilterStage
from xmppd.core.session import Session
from xmppd.services.stream_management.ledger import StreamLedger
from xmppd.stanza.stanza import Stanza
from xmppd.testing.sessions import FakeConnection

BALCONY = "juliet@localhost/balcony"
ROOM = "room@rooms.localhost/romeo"


def message(text: str, type: str = "groupchat", to: str | None = None) -> Stanza:
    """Give a message as a room sends it."""
    return Stanza.make("message", b"<body>%b</body>" % text.encode(), from_=ROOM, id=text, type=type, to=to)


def ledger_of(session: Session) -> StreamLedger:
    """Give the ledger of a session."""
    assert isinstance(session.ledger, StreamLedger)
    return session.ledger


class ManyTests(SynchronousTestCase):
    """`Fanout.send` to sessions with a ledger."""

    def setUp(self) -> None:
        """Juliet has stream management."""
        self.conversation = Conversation("[modules.sm]\nask_after = 3\n")
        self.juliet, self.session_id = self.conversation.client(BALCONY)
        self.session = self.conversation.session(BALCONY)
        self.ledger = ledger_of(self.session)

    def send(self, *texts: str) -> list[Fanout]:
        """Let a room send to Juliet."""
        sent = [Fanout(message(text)) for text in texts]
        for fanout in sent:
            self.assertTrue(fanout.send(self.session, BALCONY))
        return sent

    def test_what_is_written_and_kept_is_the_stanza(self) -> None:
        """Each is written once, with the ``to`` it is for, and is there until it is acknowledged."""
        self.send("a", "b")
        self.assertEqual(bodies(self.juliet), ["a", "b"])
        self.assertEqual(
            [each.stanza for each in self.ledger.outgoing], [message(t, to=BALCONY) for t in "ab"]
        )
        self.juliet.send(f"<a xmlns='{NS}' h='1'/>")
        self.assertEqual([each.stanza.id for each in self.ledger.outgoing], ["b"])
        self.juliet.send(f"<a xmlns='{NS}' h='2'/>")
        self.assertEqual((len(self.ledger.outgoing), self.ledger.outgoing.size_bytes), (0, 0))

    def test_to_a_full_and_a_bare_jid(self) -> None:
        """Each is written with the ``to`` it is for, is kept with it, and comes again with it."""
        conn = self.session.conn = FakeConnection()
        addresses = [
            BALCONY,
            BALCONY,
            "juliet@localhost",
            "juliet@localhost",
            BALCONY,
            "juliet@localhost/'&<",
        ]
        expected = [message(str(number), to=to) for number, to in enumerate(addresses)]
        for number, to in enumerate(addresses):
            Fanout(message(str(number))).send(self.session, to)
        request = f"<r xmlns='{NS}'/>".encode()
        self.assertEqual(
            [data for data in conn.written if data != request], [stanza.to_bytes() for stanza in expected]
        )
        self.juliet.send(f"<a xmlns='{NS}' h='1'/>")
        self.assertEqual([each.stanza for each in self.ledger.outgoing], expected[1:])
        conn.written.clear()
        self.ledger.detach()
        self.ledger.replay()
        self.assertEqual(conn.written, [*(stanza.to_bytes() for stanza in expected[1:]), request])

    def test_one_serialisation_for_all(self) -> None:
        """Nobody's copy is written out anew, nor to learn what it weighs; a queue keeps what all of them share."""
        written: list[str] = []
        head = Stanza.head

        def counting(stanza: Stanza) -> str:
            written.append(stanza.name)
            return head(stanza)

        others = [f"friend{number}@localhost/phone" for number in range(20)]
        sessions = [self.session]
        for each in others:
            self.conversation.client(each)
            sessions.append(self.conversation.session(each))
        self.patch(Stanza, "head", counting)
        fanout = Fanout(message("hello"))
        for session in sessions:
            fanout.send(session, session.full_jid or "")
        self.assertEqual(written, ["message"])
        kept = [next(iter(ledger_of(session).outgoing)).stanza for session in sessions]
        self.assertEqual([stanza.to for stanza in kept], [BALCONY, *others])
        self.assertEqual(len({id(stanza.inner) for stanza in kept}), 1)

    def test_through_filters_too(self) -> None:
        """What another filter has looked at is shared all the same; what it has changed is not."""
        looked: list[Stanza | bytes] = []

        def look(session: Session, x: Stanza | bytes) -> Stanza | bytes:
            looked.append(x)
            changed = isinstance(x, Stanza) and x.id == "changed"
            return x.replace(id="other") if changed and isinstance(x, Stanza) else x

        self.session.add_filter(FilterStage.WATCH, look)
        same, _ = self.send("same", "changed")
        first, second = [each.stanza for each in self.ledger.outgoing]
        self.assertIs(first.source, same)
        self.assertEqual((second.source, second.id), (None, "other"))
        self.assertEqual(looked, [message("same", to=BALCONY), message("changed", to=BALCONY)])
        self.assertEqual(bodies(self.juliet), ["same", "other"])

    def test_what_is_durable_is_kept_for_itself(self) -> None:
        """A message that must not get lost has its place in the durable queue, whoever else gets it."""
        Fanout(message("durable", "normal")).send(self.session, BALCONY)
        self.assertEqual(self.conversation.queued(), [(self.session_id, 1)])

    def test_without_a_connection_and_again_with_one(self) -> None:
        """Copies wait for a resumption, and come in order; what is late bears when it was sent first (XEP-0203)."""
        assert self.juliet.carrier is not None
        self.juliet.carrier.lose()
        self.send("a", "b")
        self.conversation.pass_time(10.0)
        again = self.conversation.connected(BALCONY)
        again.send(f"<resume xmlns='{NS}' previd='{self.session_id}' h='0'/>")
        delays = [each.find("{urn:xmpp:delay}delay") is not None for each in again.inbox if each.get("id")]
        self.assertEqual(bodies(again), ["a", "b"])
        self.assertEqual(delays, [True, True])

    def test_the_queue_is_bounded_as_ever(self) -> None:
        """A client that acknowledges nothing loses its session, by number and by size."""
        for options in ("queue_stanzas = 10", "queue_bytes = 65536"):
            conversation = Conversation(f"[modules.sm]\n{options}\n")
            conversation.client(BALCONY)
            session = conversation.session(BALCONY)
            for number in range(11):
                Fanout(message(f"{number}" + "x" * 10_000)).send(session, BALCONY)
            conversation.pass_time(0.1)
            self.assertTrue(session.is_ended)

    def test_one_element_a_write(self) -> None:
        """A request for an acknowledgement is a write of its own, behind the stanza: a carrier may frame each."""
        conn = self.session.conn = FakeConnection()
        self.send("a", "b", "c")
        request = f"<r xmlns='{NS}'/>".encode()
        self.assertEqual(conn.written, [*(message(text, to=BALCONY).to_bytes() for text in "abc"), request])
        self.juliet.send(f"<a xmlns='{NS}' h='3'/>")
        conn.written.clear()
        for text in "abc":
            self.session.send(message(text))
        self.assertEqual(conn.written, [*(message(text).to_bytes() for text in "abc"), request])

    def test_asked_for_in_a_while(self) -> None:
        """Who gets fewer than so many is asked within half a second, each of them."""
        self.conversation.client("romeo@localhost/orchard")
        sessions = [self.session, self.conversation.session("romeo@localhost/orchard")]
        connections = [FakeConnection() for _ in sessions]
        for session, conn in zip(sessions, connections, strict=True):
            session.conn = conn
        for _ in range(2):
            fanout = Fanout(message("hello"))
            for session, conn in zip(sessions, connections, strict=True):
                conn.written.clear()
                fanout.send(session, session.full_jid or "")
            self.conversation.pass_time(0.6)
            for session, conn in zip(sessions, connections, strict=True):
                self.assertEqual([data[:8] for data in conn.written], [b"<message", b"<r xmlns"])
                ledger = ledger_of(session)
                ledger.acknowledge(ledger.outgoing.sent)

    def test_nothing_behind_the_end(self) -> None:
        """What comes while the session ends is not written behind the end tag."""
        conn = self.session.conn = FakeConnection()
        self.session.is_ended = True
        Fanout(message("late")).send(self.session, BALCONY)
        self.assertEqual(conn.written, [])

    def test_corked(self) -> None:
        """What waits for a commit goes out behind it, copies too."""
        self.ledger.cork()
        self.send("a")
        self.assertEqual(bodies(self.juliet), [])
        self.ledger.uncork()
        self.assertEqual(bodies(self.juliet), ["a"])

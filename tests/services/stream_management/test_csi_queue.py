"""What is held back from inactive clients (XEP-0352): bounds, the place before XEP-0198, lost connections."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core import events
from xmppd.core.fanout import Fanout
from xmppd.core.filters import FilterStage
from xmppd.core.session import Session
from xmppd.services.stream_management.csi_queue import (
    TAG_BYTES,
    Bounds,
    CSIQueue,
    activate,
    deactivate,
    held_back,
)
from xmppd.stanza.element import Element
from xmppd.stanza.stanza import Stanza
from xmppd.testing.client import Client
from xmppd.testing.server import MemoryServer

CONTACTS = 500
SECONDS = 60
MESSAGE = Stanza.parse(b"<message type='chat' id='m'><body>hi</body></message>")
BOUNDS = Bounds(10, 10_000)


def presence(number: int, show: str = "") -> Stanza:
    """Presence of one of many contacts."""
    return Stanza.make("presence", f"<show>{show}</show>".encode(), from_=f"c{number}@localhost/x")


class Wire:
    """A connection that remembers what was written, and how often a sleeping client was woken."""

    unsent_bytes = 0

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Take *data*."""
        self.writes.append(data)

    def loseConnection(self) -> None:
        """Nothing is to be done."""

    @property
    def size_bytes(self) -> int:
        """How much was written."""
        return sum(map(len, self.writes))


class HeldBackTests(SynchronousTestCase):
    """One session, with a filter behind that counts as XEP-0198 does."""

    def setUp(self) -> None:
        """A client that has become inactive."""
        memory = MemoryServer()
        self.client = memory.logged_in("romeo@localhost/phone")
        session = memory.server.registry.get("romeo@localhost/phone")
        assert session is not None
        self.session, self.memory = session, memory
        self.wire = session.conn = Wire()
        self.counted: list[Stanza | bytes] = []
        deactivate(session, BOUNDS)
        session.add_filter(FilterStage.COUNT, self._count)

    def _count(self, session: Session, x: Stanza | bytes) -> Stanza | bytes | None:
        self.counted.append(x)
        return x if session.conn is not None else None

    @property
    def held(self) -> CSIQueue:
        """The queue."""
        held = held_back(self.session)
        assert held is not None
        return held

    def test_held_back_is_not_sent(self) -> None:
        """XEP-0198 4: what is held back is not counted as sent before it is; then it is, in order."""
        self.assertTrue(self.session.send(presence(1)))
        self.assertEqual((self.counted, self.wire.writes), ([], []))
        self.session.send(MESSAGE)
        self.assertEqual(self.counted, [presence(1), MESSAGE])
        self.assertEqual(b"".join(self.wire.writes), presence(1).to_bytes() + MESSAGE.to_bytes())

    def test_text_is_held_back_too(self) -> None:
        """A stanza waits by what it is, however it is written."""
        self.session.send(presence(1).to_bytes().decode())
        self.session.send(presence(2).element)
        self.assertEqual((self.counted, self.wire.writes), ([], []))

    def test_what_counts_may_come_later(self) -> None:
        """A client that becomes inactive after XEP-0198 was enabled has the filters in the same order."""
        activate(self.session)
        deactivate(self.session, BOUNDS)
        self.assertEqual(self.session.stanza_filters, (self.held.outbound, self._count))

    def test_what_is_no_stanza_passes(self) -> None:
        """Acknowledgements, white space and stream elements neither wait nor flush."""
        self.session.send(presence(1))
        self.session.send(Element("a", "urn:xmpp:sm:3"))
        self.session.send(b" ")
        self.assertEqual(len(self.wire.writes), 2)
        self.assertEqual(len(self.held), 1)

    def test_a_stanza_as_an_element(self) -> None:
        """A stanza in another shape is judged as any."""
        self.session.send(Element("presence", "jabber:client", {"from": "juliet@localhost/x"}))
        self.assertEqual((len(self.held), self.wire.writes), (1, []))

    def test_stanzas_are_bounded(self) -> None:
        """One stanza too many sends all of them."""
        for number in range(BOUNDS.stanzas):
            self.session.send(presence(number))
        self.assertEqual(self.wire.writes, [])
        self.session.send(presence(BOUNDS.stanzas))
        self.assertEqual((len(self.wire.writes), len(self.held)), (BOUNDS.stanzas + 1, 0))

    def test_bytes_are_bounded(self) -> None:
        """So does one byte too many; what was replaced does not count."""
        half = "x" * (BOUNDS.size_bytes // 2 - 2 * TAG_BYTES)
        for _ in range(20):
            self.session.send(presence(1, half))
        self.session.send(presence(2, half))
        self.assertEqual(self.wire.writes, [])
        self.session.send(presence(3, half))
        self.assertEqual(len(self.wire.writes), 3)

    def test_without_a_connection(self) -> None:
        """Presence goes on being merged, what is important joins the queue; nothing is flushed into it."""
        self.session.send(presence(1, "away"))
        self.memory.server.hosts["localhost"].hooks.ask(events.SESSION_DETACHED, self.session)
        self.session.conn = None
        self.session.send(presence(1, "xa"))
        self.session.send(MESSAGE)
        self.assertEqual((self.counted, len(self.held)), ([MESSAGE], 1))

    def test_a_resumed_session_is_active(self) -> None:
        """XEP-0352 5.2: the state is not restored; what was held back is sent."""
        self.test_without_a_connection()
        self.session.conn = wire = Wire()
        self.memory.server.hosts["localhost"].hooks.notify(events.SESSION_RESUMED, self.session)
        self.assertEqual(wire.writes, [presence(1, "xa").to_bytes()])
        self.session.send(presence(1, "dnd"))
        self.assertEqual(len(wire.writes), 2)
        self.assertEqual(self.session.stanza_filters, (self._count,))

    def test_a_resumed_session_of_which_nobody_told(self) -> None:
        """The first stanza after it has a connection again is sent behind what was held back, each once."""
        self.test_without_a_connection()
        self.session.conn = wire = Wire()
        self.session.send(presence(2))
        self.assertEqual(wire.writes, [presence(1, "xa").to_bytes(), presence(2).to_bytes()])
        self.assertEqual(self.counted, [MESSAGE, presence(1, "xa"), presence(2)])

    def test_a_session_that_ends(self) -> None:
        """Nothing that was held back is sent any more, or kept."""
        self.session.send(presence(1))
        self.session.close()
        self.assertNotIn(b"presence", b"".join(self.wire.writes))
        self.assertIsNone(held_back(self.session))


class PocketTests(SynchronousTestCase):
    """Issue 6, shown by 3: a phone in a pocket."""

    def _minute(self, is_inactive: bool) -> tuple[Wire, MemoryServer, Client]:
        """Let each of 500 contacts change its presence every six seconds, for a minute."""
        memory = MemoryServer()
        client = memory.logged_in("romeo@localhost/phone")
        session = memory.server.registry.get("romeo@localhost/phone")
        assert session is not None
        session.conn = wire = Wire()
        if is_inactive:
            client.send("<inactive xmlns='urn:xmpp:csi:0'/>")
        for second in range(SECONDS):
            for number in range(second % 6, CONTACTS, 6):
                Fanout(presence(number, "away" if second % 12 < 6 else "dnd")).send(
                    session, "romeo@localhost"
                )
            memory.clock.advance(1)
        return wire, memory, client

    def test_presence_of_many(self) -> None:
        """500 contacts changing presence for a minute cost an inactive client at most 5 % of an active one."""
        active, _, _ = self._minute(False)
        inactive, _, _ = self._minute(True)
        self.assertEqual(len(active.writes), CONTACTS * 10)
        self.assertLessEqual(len(inactive.writes), 0.05 * len(active.writes))
        self.assertLessEqual(inactive.size_bytes, 0.05 * active.size_bytes)

    def test_a_message_comes_at_once(self) -> None:
        """A message arrives within the same turn, behind the last presence of each, and once."""
        wire, memory, _ = self._minute(True)
        juliet = memory.logged_in("juliet@localhost/balcony")
        juliet.send("<message to='romeo@localhost/phone' type='chat' id='m'><body>hi</body></message>")
        self.assertEqual(len(wire.writes), CONTACTS + 1)
        self.assertIn(b"<body>hi</body>", wire.writes[-1])
        self.assertEqual(len({write for write in wire.writes if b"<presence" in write}), CONTACTS)


class ModuleTests(SynchronousTestCase):
    """The module in a whole server."""

    def setUp(self) -> None:
        """A client that has become inactive."""
        self.memory = MemoryServer()
        self.client = self.memory.logged_in("romeo@localhost/phone")
        self.client.send("<inactive xmlns='urn:xmpp:csi:0'/>")

    def test_offered_once_authenticated(self) -> None:
        """XEP-0352 4.1: the feature is there when the client has authenticated, not before."""
        features: list[Any] = []
        client = self.memory.client("juliet@localhost/balcony")
        receive = client.receive

        async def kept() -> Any:
            features.append(await receive())
            return features[-1]

        client.receive = kept  # type: ignore[method-assign]  # to see what log_in looks at
        self.successResultOf(Deferred.fromCoroutine(client.log_in()))
        offers = [f for f in features if f.tag.endswith("}features")]
        self.assertEqual([f.find("{urn:xmpp:csi:0}csi") is not None for f in offers], [False, False, True])

    def test_unloading_sends_all(self) -> None:
        """Without the module everybody is active."""
        session = self.memory.server.registry.get("romeo@localhost/phone")
        assert session is not None
        session.send(presence(1))
        self.memory.server.loader.unload(self.memory.server.hosts["localhost"], "csi")
        self.assertEqual(len(self.client.inbox), 1)
        self.assertEqual(session.stanza_filters, ())

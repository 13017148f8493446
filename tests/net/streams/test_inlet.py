"""The way in of a stream, whoever is at the other end. What clients see of it is in `test_client_stream`."""

from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.limits import Limits
from xmppd.core.commits import Commit
from xmppd.core.inlet import Acknowledger
from xmppd.core.timers import Timers
from xmppd.net.streams.inlet import IQS_ASIDE, QUEUE_BEFORE_PAUSE, Answer, PeerInlet, StreamInlet
from xmppd.net.streams.link import Link
from xmppd.net.streams.negotiation import STARTTLS
from xmppd.net.streams.sasl import SASL
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.storage.memory import MemoryStorage
from xmppd.stream.events import Event
from xmppd.stream.features import StreamState


class FakeLink:
    """Notes what it is asked for."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def pause(self) -> None:
        """Stop reading."""
        self.calls.append("pause")

    def resume(self) -> None:
        """Read on."""
        self.calls.append("resume")

    def go_on(self) -> None:
        """Hand over what had to wait."""


class Ledger:
    """Counts as XEP-0198 does."""

    is_over = False

    def __init__(self) -> None:
        self.handled_count = 0

    def handled(self, is_waiting: bool) -> None:
        """One more."""
        self.handled_count += 1


class Recorder:
    """What a kind of stream fills in: events called "slow" wait for `answers`."""

    limits = Limits()

    def begin(self) -> None:
        """Nothing has happened yet."""
        self.ledger = Ledger()
        self.taken: list[str] = []
        self.answers: dict[str, Deferred[Commit | None]] = {}
        self.failures: list[type[BaseException] | None] = []
        self.is_late = self.is_empty = False

    def acknowledger(self) -> Acknowledger | None:
        """Give the ledger."""
        return cast(Acknowledger, self.ledger)

    def handle(self, event: Event) -> Answer:
        """Wait for what is slow, fail for what is broken."""
        assert isinstance(event, Stanza)
        id = event.id or ""
        self.taken.append(id)
        if id == "broken":
            raise ZeroDivisionError
        if not id.startswith("slow"):
            return None
        self.answers[id] = Deferred()
        return self.answers[id]

    def failed(self, failure: Failure, event: Event) -> None:
        """Note it."""
        self.failures.append(failure.type)

    def too_late(self) -> None:
        """Note it."""
        self.is_late = True

    def emptied(self) -> None:
        """Note it."""
        self.is_empty = True


class Client(Recorder, StreamInlet):
    """As for clients."""


class Peer(Recorder, PeerInlet):
    """As for servers and components."""


class Failing(PeerInlet):
    """One that deals with failures as `PeerInlet` does; events with the name of an error fail with it."""

    limits = Limits()
    who = {"peer": "192.0.2.1"}

    def begin(self) -> None:
        """Nothing has happened yet."""
        self.ended: list[str] = []

    def acknowledger(self) -> Acknowledger | None:
        """Nobody counts."""
        return None

    def handle(self, event: Event) -> Answer:
        """Fail."""
        raise StreamError("invalid-from") if getattr(event, "id", "") == "stream" else ZeroDivisionError

    def fail(self, error: StreamError) -> None:
        """Note it."""
        self.ended.append(error.condition)


class FakeRouter:
    """Notes what is refused."""

    def __init__(self) -> None:
        self.storage = MemoryStorage()
        self.refused: list[tuple[str | None, str]] = []

    def refuse(self, stanza: Stanza, error: StanzaError) -> None:
        """Note it."""
        self.refused.append((stanza.id, error.condition))


def stanzas(*ids: str, name: str = "message") -> list[Stanza]:
    """Stanzas with these ids."""
    return [Stanza.make(name, id=id, type="get" if name == "iq" else None) for id in ids]


class InletTestCase(SynchronousTestCase):
    """An inlet on a clock."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.link = FakeLink()
        self.router = FakeRouter()
        self.storage = self.router.storage

    def inlet(self, kind: Any) -> Any:
        """Make one."""
        storage = self.storage if kind is Client else self.router
        made = kind(cast(Link, self.link), Timers(self.clock), storage, Limits)
        made.begin()
        return made

    def give(self, inlet: Any, *events: Stanza) -> None:
        """Let *events* come."""
        for event in events:
            inlet.receive(event)


class StreamInletTests(InletTestCase):
    """`StreamInlet`."""

    def setUp(self) -> None:
        super().setUp()
        self.stream = self.inlet(Client)

    def test_one_at_a_time_in_order(self) -> None:
        """What follows a stanza that waits is handled after it; each is counted when it is dealt with."""
        self.give(self.stream, *stanzas("1", "slow", "2", "3"))
        self.assertEqual((self.stream.taken, self.stream.ledger.handled_count), (["1", "slow"], 1))
        self.stream.answers["slow"].callback(None)
        self.assertEqual((self.stream.taken, self.stream.ledger.handled_count), (["1", "slow", "2", "3"], 4))

    def test_a_long_queue_pauses_the_reading(self) -> None:
        """Until it is empty again."""
        self.give(self.stream, *stanzas("slow", *map(str, range(QUEUE_BEFORE_PAUSE))))
        self.assertEqual(self.link.calls, ["pause"])
        self.stream.answers["slow"].callback(None)
        self.assertEqual(self.link.calls, ["pause", "resume"])

    def test_what_fails_is_told_and_the_rest_goes_on(self) -> None:
        """Whether it is raised or comes by a Deferred."""
        self.give(self.stream, *stanzas("broken", "slow", "1"))
        self.stream.answers["slow"].errback(KeyError())
        self.assertEqual((self.stream.failures, self.stream.taken[-1]), ([ZeroDivisionError, KeyError], "1"))

    def test_deadline(self) -> None:
        """It runs from the start, and can be put off and taken away."""
        seconds = Limits().unauthenticated_timeout_s
        self.clock.advance(seconds - 1)
        self.stream.set_deadline(10)
        self.clock.advance(9)
        self.assertFalse(self.stream.is_late)
        self.clock.advance(2)
        self.assertTrue(self.stream.is_late)
        other = self.inlet(Client)
        other.set_deadline(None)
        self.clock.advance(2 * seconds)
        self.assertFalse(other.is_late)

    def test_limits_of_an_element_by_state(self) -> None:
        """Narrow until the peer is authenticated, and the same object for all streams that have the same."""
        limits = Limits()
        self.assertEqual(self.stream.element_limits.stanza_bytes, limits.unauthenticated_stanza_bytes)
        self.stream.negotiated(STARTTLS)
        self.assertEqual(self.stream.element_limits.elements, limits.unauthenticated_elements)
        self.stream.negotiated(SASL)
        self.assertEqual(self.stream.state, StreamState.SECURE | StreamState.AUTHENTICATED)
        self.assertEqual(self.stream.element_limits.stanza_bytes, limits.stanza_bytes)
        self.assertIs(self.stream.element_limits, self.stream.element_limits)

    def test_the_end_waits_for_what_came_before(self) -> None:
        """A lost connection does not lose what it has brought."""
        self.give(self.stream, *stanzas("slow", "1"))
        self.stream.drain_and_end()
        self.assertFalse(self.stream.is_empty)
        self.stream.answers["slow"].callback(None)
        self.assertEqual((self.stream.is_empty, self.stream.taken[-1]), (True, "1"))

    def test_taking_no_more(self) -> None:
        """What waits and what still comes is dropped; what is in hand is dealt with."""
        self.give(self.stream, *stanzas("slow", "1"))
        fired: list[None] = []
        self.stream.dealt_with().addCallback(fired.append)
        self.stream.take_no_more()
        self.give(self.stream, *stanzas("2"))
        self.stream.answers["slow"].callback(None)
        self.assertEqual((self.stream.taken, fired, self.stream.is_waiting), (["slow"], [None], True))

    def test_an_iq_holds_a_client(self) -> None:
        """RFC 6120 10.1: a client's stanzas are handled in order, whatever they are."""
        self.give(self.stream, *stanzas("slow", name="iq"), *stanzas("1"))
        self.assertEqual(self.stream.taken, ["slow"])


class PeerInletTests(InletTestCase):
    """`PeerInlet`: many speak through one stream."""

    def setUp(self) -> None:
        super().setUp()
        self.stream = self.inlet(Peer)

    def test_an_iq_that_waits_holds_nobody_up(self) -> None:
        """What follows is handled; the IQ is counted, so that acknowledgements stay in order."""
        self.give(self.stream, *stanzas("slow", name="iq"), *stanzas("1"))
        self.assertEqual((self.stream.taken, self.stream.ledger.handled_count), (["slow", "1"], 2))
        self.assertFalse(self.stream.is_waiting)
        self.stream.answers["slow"].callback(None)
        self.assertEqual(self.stream.ledger.handled_count, 2)

    def test_a_message_that_waits_holds_the_stream(self) -> None:
        """Messages and presence keep their order (RFC 6120 10.1), though IQs wait aside."""
        self.give(self.stream, *stanzas("slow 1", name="iq"), *stanzas("slow 2", "3"))
        self.stream.answers["slow 1"].callback(None)
        self.assertEqual((self.stream.taken, self.stream.is_waiting), (["slow 1", "slow 2"], True))
        self.stream.answers["slow 2"].callback(None)
        self.assertEqual(self.stream.taken[-1], "3")

    def test_so_many_wait_aside(self) -> None:
        """A peer cannot have us remember more: one IQ beyond them holds the stream until it is answered."""
        self.give(self.stream, *stanzas(*(f"slow {i}" for i in range(IQS_ASIDE + 1)), "last", name="iq"))
        self.assertNotIn("last", self.stream.taken)
        self.stream.answers[f"slow {IQS_ASIDE}"].callback(None)
        self.assertIn("last", self.stream.taken)

    def test_an_iq_that_fails_aside(self) -> None:
        """It is told like any other, and makes room."""
        self.give(self.stream, *stanzas("slow", name="iq"))
        self.stream.answers["slow"].errback(KeyError())
        self.assertEqual((self.stream.failures, self.stream._aside), ([KeyError], 0))

    def test_what_went_wrong(self) -> None:
        """A `StreamError` ends the stream; a bug is logged once, and answered to who has sent the stanza."""
        stream = self.inlet(Failing)
        self.give(stream, *stanzas("1", name="iq"))
        self.assertEqual(self.router.refused, [("1", "internal-server-error")])
        self.assertEqual(stream.ended, [])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.give(stream, *stanzas("stream"))
        self.assertEqual(stream.ended, ["invalid-from"])
        stream.receive(Element("feature", "urn:example"))
        self.assertEqual(stream.ended[1:], ["internal-server-error"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

"""XEP-0198 on streams that other servers have begun: offered once they are authenticated, with resumption."""

from typing import Final, Protocol

from twisted.internet.defer import Deferred

from xmppd.core.inlet import Acknowledger
from xmppd.core.stream import Stream
from xmppd.core.timers import Timers
from xmppd.net.streams.s2s.counting import count_in
from xmppd.net.streams.s2s.parts import S2SParts
from xmppd.services.federation.received import NS, ReceivedLedger
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stream.features import StreamFeature, StreamKind, StreamState

OFFER: Final = Element("sm", NS)
SETTLE_S: Final = 0.02
SETTLES: Final = 250
"""How often is looked, and how long in all, whether what an earlier stream has brought is on disk."""
TRUE: Final = ("true", "1")


class Counting(Stream, Protocol):
    """A stream whose stanzas may be acknowledged."""

    parts: S2SParts
    ours: str
    theirs: str
    ledger: Acknowledger | None

    def end_for_another(self) -> None:
        """Another stream goes on in its place."""

    def enabled(self, id: str) -> None:
        """Acknowledgements are agreed upon, both ways; *id* is "" where the stream cannot be resumed."""

    def resumed(self, id: str, h: int | None) -> None:
        """The earlier stream *id* goes on, of which the peer has got *h* stanzas; None where it does not say."""

    def acknowledged(self, element: Element) -> None:
        """The peer acknowledges what was sent to it."""


def _enable(stream: Counting, element: Element) -> None:
    if stream.ledger is not None:
        _refuse(stream, "unexpected-request")
        return
    ledger = stream.parts.federation.received.begin(stream.ours, stream.theirs)
    _attach(stream, ledger)
    id = ledger.id if element.get("resume") in TRUE else ""
    given = f" id='{id}' resume='true'" if id else ""
    stream.send(f"<enabled xmlns='{NS}'{given}/>")
    stream.enabled(id)  # behind that the peer counts what comes back


def _resume(stream: Counting, element: Element) -> Deferred[None]:
    h = count_in(element)
    return Deferred.fromCoroutine(_resumed(stream, element.get("previd") or "", h))


async def _resumed(stream: Counting, id: str, h: int | None) -> None:
    """The earlier stream takes nothing more, all of it is on disk, then it is told how much that is."""
    parts = stream.parts
    ledger = parts.federation.received.find(stream.ours, stream.theirs, id)
    if ledger is None or stream.ledger is not None:
        _refuse(
            stream, "item-not-found", await parts.federation.received.count_of(stream.ours, stream.theirs, id)
        )
        return
    await settled(ledger, parts.timers)
    _attach(stream, ledger)
    stream.send(f"<resumed xmlns='{NS}' previd='{ledger.id}' h='{ledger.incoming.handled}'/>")
    stream.resumed(ledger.id, h)


async def settled(ledger: ReceivedLedger, timers: Timers) -> None:
    """The stream of *ledger* ends; wait until what it has brought is decided."""
    ledger.end_stream()
    for _ in range(SETTLES):
        if ledger.incoming.is_settled:
            break
        await timers.wait(SETTLE_S)


def _attach(stream: Counting, ledger: ReceivedLedger) -> None:
    ledger.send = stream.send
    ledger.end_stream = stream.end_for_another
    stream.ledger = ledger


def _request(stream: Counting, element: Element) -> None:
    if isinstance(stream.ledger, ReceivedLedger):
        stream.ledger.requested()


def _acknowledged(stream: Counting, element: Element) -> None:
    stream.acknowledged(element)


def _refuse(stream: Counting, condition: str, h: int | None = None) -> None:
    told = "" if h is None else f" h='{h}'"
    stream.send(f"<failed xmlns='{NS}'{told}><{condition} xmlns='{ns.STANZA_ERRORS}'/></failed>")


SM: StreamFeature[Counting] = StreamFeature(
    name="sm",
    kinds=StreamKind.S2S,
    needs=StreamState.AUTHENTICATED,
    offer=lambda stream: OFFER if stream.ledger is None else None,
    handles={(NS, "enable"): _enable, (NS, "resume"): _resume, (NS, "r"): _request, (NS, "a"): _acknowledged},
    priority=50,
)

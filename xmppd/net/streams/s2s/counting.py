"""XEP-0198 on a stream that this server has begun: what it has sent is kept until the peer has acknowledged it."""

from collections.abc import Callable
from typing import Final

from xmppd.core.timers import Timer, Timers
from xmppd.services.federation.outbound import Item, Sender
from xmppd.services.federation.received import NS
from xmppd.services.federation.sent import SentItems
from xmppd.stanza.element import Element, escape_attr
from xmppd.stanza.errors import StreamError
from xmppd.stream.acks import MODULUS, TooHigh, is_up_to

ASK_AFTER: Final = 50
"""So many stanzas, and an acknowledgement is asked for at once, unless the peer has yet to answer an earlier request:
it may have to write to its disk for each."""
ASK_S: Final = 0.2
"""After this time without that it is asked for, too."""
ANSWER_S: Final = 60.0
"""A peer that has not answered for so long hangs, whatever TCP says: what it has not acknowledged must not wait for it.
"""
R: Final = f"<r xmlns='{NS}'/>".encode()
MAX_DIGITS: Final = 10
TRUE: Final = ("true", "1")


class SentCounter:
    """Asks for acknowledgements of one stream, and hears them."""

    __slots__ = (
        "_ask",
        "_asked",
        "_hangs",
        "_send",
        "_timer",
        "_timers",
        "_watch",
        "answered_in_s",
        "numbered",
        "sender",
    )

    def __init__(
        self, sender: Sender, send: Callable[[bytes], object], timers: Timers, hangs: Callable[[], None]
    ):
        """*hangs* is called where the peer has not answered for `ANSWER_S`."""
        self.sender = sender
        self._send = send
        self._timers = timers
        self._hangs = hangs
        self._timer: Timer | None = None
        self._watch: Timer | None = None
        self._ask = 0
        self._asked: tuple[int, float] | None = None
        """What the oldest request without an answer was about, and when it was sent."""
        self.answered_in_s = 0.0
        """How long the peer has taken for its latest answer."""
        self.numbered: SentItems | None = None
        """What was sent; None while acknowledgements are not agreed upon."""

    # -- the agreement ------------------------------------------------------------------------------------------------

    def begin(self, h: int = 0) -> None:
        """Go on with an earlier stream, on which *h* stanzas have come, or begin."""
        left = self.sender.left
        if left is not None:
            self._send(f"<resume xmlns='{NS}' previd='{escape_attr(left.id)}' h='{h}'/>".encode())
        else:
            self._send(f"<enable xmlns='{NS}' resume='true'/>".encode())

    def answered(self, element: Element) -> bool:
        """Take the peer's answer; say whether it is agreed, or not, so that stanzas may be sent."""
        left, h = self.sender.left, count_in(element)
        if element.name == "enabled":
            self.sender.left = None
            self.numbered = SentItems((element.get("id") or "") if element.get("resume") in TRUE else "")
            return True
        if left is not None and h is not None:
            self.sender.confirmed(left.covered(h))
        if element.name == "resumed" and left is not None and h is not None:
            self.sender.left = None
            self.numbered = SentItems(left.id, h)
            return True
        was_resuming, self.sender.left = left is not None, None
        if was_resuming:
            self.begin()
        return not was_resuming

    # -- stanzas ------------------------------------------------------------------------------------------------------

    def written(self, item: Item) -> None:
        """One more was written."""
        numbered = self.numbered
        assert numbered is not None
        numbered.sent = number = (numbered.sent + 1) % MODULUS
        numbered.items.append((number, item))
        self._ask += 1
        if self._ask >= ASK_AFTER and self._asked is None:
            self._request()
        elif self._timer is None:
            self._timer = self._timers.add(ASK_S, self._due)

    def acknowledged(self, element: Element) -> None:
        """The peer acknowledges some; `StreamError` for more than were sent (section 4)."""
        h = count_in(element)
        if self.numbered is None or h is None:
            raise StreamError("bad-format")
        try:
            gone = self.numbered.acknowledge(h)
        except TooHigh:
            extra = Element(
                "handled-count-too-high", NS, {"h": str(h), "send-count": str(self.numbered.sent)}
            )
            raise StreamError("undefined-condition", extra=extra) from None
        if self._asked is not None and is_up_to(self._asked[0], h):
            self.answered_in_s, self._asked = self._timers.seconds() - self._asked[1], None
            if self._ask >= ASK_AFTER:
                self._request()
        if gone:
            self.sender.arrived(gone)

    def ask(self) -> None:
        """Ask for an acknowledgement, if something was written since one was asked for, and that is answered."""
        if self._ask and self._asked is None:
            self._request()

    def stop(self) -> None:
        """The stream is over."""
        self._timers.stop(self._timer)
        self._timers.stop(self._watch)
        self._timer = self._watch = None

    def _due(self, now: float, timer: object, param: None) -> None:
        self._timer = None
        if self.numbered is not None and self.numbered.items:
            self._request()

    def _request(self) -> None:
        self._ask = 0
        if self._asked is None and self.numbered is not None:
            self._asked = (self.numbered.sent, self._timers.seconds())
            if self._watch is None:
                self._watch = self._timers.add(ANSWER_S, self._look_for_answer)
        self._send(R)

    def _look_for_answer(self, now: float, timer: object, param: None) -> float | None:
        """Is an answer due, it is waited for as long as one that was asked for just now; else nobody looks any more."""
        waited_s = 0.0 if self._asked is None else self._timers.seconds() - self._asked[1]
        if self._asked is not None and waited_s < ANSWER_S:
            return ANSWER_S - waited_s
        self._watch = None
        if self._asked is not None:
            self._hangs()
        return None


def count_in(element: Element) -> int | None:
    """Give the ``h`` of an element; None where there is none, or it is no number."""
    text = element.get("h")
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return int(text) if is_number and text is not None else None

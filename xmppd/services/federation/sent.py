"""Stanzas that went to another server and are not acknowledged yet (XEP-0198 4), by their numbers.

It outlives its stream, and by its id a later one goes on with it; after a restart it is made again of the rows of the
queue, which hold the numbers of what was promised. No I/O.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Final

from xmppd.services.federation.outbound import Item, Numbered
from xmppd.stream.acks import MODULUS, TooHigh

MARK: Final = ":"


class SentItems:
    """What was sent on one stream, oldest first."""

    __slots__ = ("acknowledged", "id", "items", "sent")

    def __init__(self, id: str, acknowledged: int = 0):
        """*id* is what the stream is resumed by; "" where it cannot be."""
        self.id = id
        self.acknowledged = acknowledged
        self.sent = acknowledged
        """How many stanzas were sent."""
        self.items: deque[tuple[int, Item]] = deque()

    def keep(self, number: int, item: Item) -> None:
        """*item* was sent by an earlier run under this number."""
        self.items.append((number, item))
        self.sent = max(self.sent, number)

    def acknowledge(self, h: int) -> list[Item]:
        """Let go of all up to *h*, and give it. Raises `TooHigh`, and then nothing happened."""
        if (h - self.acknowledged) % MODULUS > (self.sent - self.acknowledged) % MODULUS:
            raise TooHigh(h, self.sent)
        return self.covered(h)

    def covered(self, h: int) -> list[Item]:
        """The same where nobody knows how many were sent."""
        self.acknowledged = h
        gone = []
        items = self.items
        while items and (h - items[0][0]) % MODULUS < MODULUS // 2:  # `is_up_to`, without a call
            gone.append(items.popleft()[1])
        return gone


def mark_of(id: str, number: int) -> bytes:
    """Give what stands in the row of a stanza that has this number on the stream *id*."""
    return f"{id}{MARK}{number}".encode() if id else b""


def read_mark(mark: bytes) -> tuple[str, int] | None:
    """Read what `mark_of` gave."""
    id, colon, number = mark.decode("utf-8", "replace").rpartition(MARK)
    return (id, int(number)) if colon and number.isdigit() else None


def foreseen_mark(numbered: Numbered, waiting: int) -> bytes:
    """Give the mark of what comes behind so many that wait.

    It is looked at again when it is sent (`to_be_marked`): something may go back before.
    """
    return mark_of(numbered.id, (numbered.sent + waiting + 1) % MODULUS)


def to_be_marked(items: Iterable[Item], numbered: Numbered, first: int = 0) -> Iterator[Item]:
    """Give those whose rows say something else than which they will be when they are sent now; now they say it.

    *first* others are sent before them.
    """
    for place, item in enumerate(items, first):
        mark = foreseen_mark(numbered, place) if item.row else b""
        if item.mark != mark:
            item.mark = mark
            yield item


def left_of(items: Iterable[tuple[Item, bytes]]) -> SentItems | None:
    """Give what the latest stream of an earlier run has left, by the marks in the rows; None where there is none.

    Where there are marks of several, nothing had been sent on the latest, so that any of them will do. A row that was
    held back is behind others of higher numbers.
    """
    marked = [(item, read_mark(mark)) for item, mark in items]
    found = [(item, mark) for item, mark in marked if mark is not None]
    if not found:
        return None
    id = found[-1][1][0]
    left = SentItems(id)
    for number, item in sorted(((n, item) for item, (stream, n) in found if stream == id), key=itemgetter(0)):
        left.keep(number, item)
    return left

"""What who enters is shown of what was said, and the subject (XEP-0045 7.2.13 – 7.2.15)."""

from contextlib import suppress
from dataclasses import dataclass
from math import inf

from xmppd.modules.muc.view import NS
from xmppd.services.rooms.room import Room, Said
from xmppd.stanza.delay import DELAY, delay_xml
from xmppd.stanza.element import Element
from xmppd.stanza.ns import CLIENT
from xmppd.stanza.stamps import parse_stamp
from xmppd.stanza.stanza import Stanza


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much history a client wants (7.2.14)."""

    max_stanzas: float = inf
    max_chars: float = inf
    since: float = 0.0


def read_wanted(join: Element, now: float) -> Wanted:
    """Read the ``<history/>`` in an ``<x/>``; what is no number or time there says nothing."""
    history = join.child("history", NS)
    if history is None:
        return Wanted()
    seconds, since = _number(history.get("seconds")), 0.0
    with suppress(ValueError):
        since = parse_stamp(history.get("since") or "")
    return Wanted(
        _number(history.get("maxstanzas")),
        _number(history.get("maxchars")),
        max(since, now - seconds),
    )


def history_of(room: Room, wanted: Wanted) -> list[Stanza]:
    """Give the newest messages that fit, oldest first, each with its time (7.2.13)."""
    found: list[Stanza] = []
    left, chars = min(wanted.max_stanzas, room.settings.history), wanted.max_chars
    for said in reversed(room.history):
        if len(found) >= left or said.at < wanted.since:
            break
        stanza = delayed(room, said)
        chars -= len(stanza.to_bytes().decode())
        if chars < 0:
            break
        found.append(stanza)
    return found[::-1]


def delayed(room: Room, said: Said) -> Stanza:
    """Give a message with the time at which it was said (XEP-0203), by the room."""
    return said.stanza.with_last(delay_xml(said.at, room.address.bare), DELAY)


def subject_of(room: Room) -> Stanza:
    """Give the message that tells the subject; it has none where there is none (7.2.15)."""
    if room.subject is None:
        inner = b"<subject/>"
        return Stanza(
            "message", None, room.address.bare, None, "groupchat", None, "", inner, ((CLIENT, "subject"),)
        )
    return room.subject.stanza.with_last(delay_xml(room.subject.at, room.address.bare), DELAY)


def _number(text: str | None) -> float:
    return float(text) if text is not None and text.strip().isdecimal() and len(text) < 18 else inf

"""What is important, as tables: what an inactive client need not hear now (XEP-0352), what wakes one (XEP-0357).

Whatever the tables do not name is important: it goes at once. In particular a durable message (`message_kinds`) is
never held back, receipts and markers included: it belongs into queues that outlive the server as soon as it is
accepted.

======================================  =======================================================================
stanza                                  to an inactive client
======================================  =======================================================================
IQ, error, subscription presence        now
(un)available presence                  later, the last of each full JID
… of oneself, in a room too             now: it answers what the client, or the room, has just done to it
message that is durable                 now
message with nothing but a chat state   never: it is out of date when the client looks again
headline with an event (PEP)            later, the last of each item
headline with nothing to read           later
receipt or marker in a room             later: a room's messages are durable in its archive alone
carbon of a message                     as the message
any other message                       now: archive results, calls, room configuration, what nobody knows yet
======================================  =======================================================================
"""

from enum import Enum
from typing import Final

from xmppd.stanza.element import Element
from xmppd.stanza.forward import NS_FORWARD
from xmppd.stanza.kinds import NS_CARBONS, NS_HINTS, NS_MUC_USER, kind_of
from xmppd.stanza.layout import ChildName
from xmppd.stanza.ns import CLIENT
from xmppd.stanza.stanza import Stanza

NS_EVENT: Final = "http://jabber.org/protocol/pubsub#event"
_NS_STATES: Final = "http://jabber.org/protocol/chatstates"
_NS_JINGLE: Final = "urn:xmpp:jingle:1"

EVENT: Final[ChildName] = (NS_EVENT, "event")
CHAT_STATES: Final[frozenset[ChildName]] = frozenset(
    (_NS_STATES, name) for name in ("active", "composing", "paused", "inactive", "gone")
)
WEIGHTLESS: Final[frozenset[ChildName]] = CHAT_STATES | {
    (CLIENT, "thread"),
    (NS_HINTS, "no-store"),
    (NS_HINTS, "no-storage"),
    (NS_HINTS, "no-permanent-store"),
    (NS_HINTS, "no-permanent-storage"),
    (NS_HINTS, "no-copy"),
    (NS_CARBONS, "private"),
    (NS_MUC_USER, "x"),  # the mark of a private message in a room; an invitation is durable
    ("urn:xmpp:receipts", "request"),
    ("urn:xmpp:chat-markers:0", "markable"),
    ("urn:xmpp:delay", "delay"),
    ("urn:xmpp:sid:0", "stanza-id"),
    ("urn:xmpp:sid:0", "origin-id"),
    ("urn:xmpp:occupant-id:0", "occupant-id"),
    ("http://jabber.org/protocol/address", "addresses"),
    ("http://jabber.org/protocol/shim", "headers"),
}
"""Children that say nothing of their own."""
MARKS: Final[frozenset[ChildName]] = frozenset(
    (
        ("urn:xmpp:receipts", "received"),
        ("urn:xmpp:chat-markers:0", "received"),
        ("urn:xmpp:chat-markers:0", "displayed"),
        ("urn:xmpp:chat-markers:0", "acknowledged"),
    )
)
"""Who has got or seen what: in a room each occupant says it of each message."""
LATER_BY_TYPE: Final[dict[str | None, frozenset[ChildName]]] = {
    "headline": WEIGHTLESS | {EVENT},
    "groupchat": WEIGHTLESS - {(NS_MUC_USER, "x")} | MARKS,
}
"""A message of this type with no other children than these can wait."""
COPIES: Final[frozenset[ChildName]] = frozenset(((NS_CARBONS, "received"), (NS_CARBONS, "sent")))
SELF_STATUS: Final = "110"
"""XEP-0045 15.6.2: the presence is about the client itself."""
HELD_PRESENCE: Final = (None, "unavailable")

WAKING: Final[frozenset[ChildName]] = frozenset(
    (
        (CLIENT, "body"),
        ("jabber:x:conference", "x"),  # XEP-0249
        ("eu.siacs.conversations.axolotl", "encrypted"),  # XEP-0384, before its version 0.4
        ("urn:xmpp:omemo:1", "encrypted"),
        ("urn:xmpp:omemo:2", "encrypted"),
        ("urn:xmpp:openpgp:0", "openpgp"),  # XEP-0373
        ("jabber:x:encrypted", "x"),  # XEP-0027
        ("urn:xmpp:eme:0", "encryption"),  # XEP-0380
        ("urn:xmpp:jingle-message:0", "propose"),  # XEP-0353
        ("urn:xmpp:call-invites:0", "invite"),  # XEP-0482
        ("urn:xmpp:attention:0", "attention"),  # XEP-0224
    )
)
"""Children for which a client is woken: something to read, an invitation, a call."""


class Weight(Enum):
    """When an inactive client gets a stanza."""

    NOW = "now, behind all that was held back"
    LATER = "when something important comes, or the client is active again"
    NEVER = "never"


def weight_of(stanza: Stanza, full_jid: str | None) -> Weight:
    """Give when an inactive client of this full JID gets *stanza*."""
    if stanza.name == "message":
        return _weight_of_message(stanza)
    if stanza.name == "presence" and stanza.type in HELD_PRESENCE:
        is_own = stanza.from_ == full_jid or _is_self_in_room(stanza)
        return Weight.NOW if is_own else Weight.LATER
    return Weight.NOW


def merge_key(stanza: Stanza) -> tuple[str, ...] | None:
    """Give what a stanza that is held back has in common with a later one that replaces it; None: nothing does."""
    if stanza.name == "presence":
        return ("presence", stanza.from_ or "")
    if stanza.name != "message" or EVENT not in stanza.child_names:
        return None
    items = _items(stanza)
    ids = [item.get("id") for item in items.elements()] if items is not None else []
    if items is None or len(ids) != 1 or ids[0] is None:
        return None
    return ("event", stanza.from_ or "", items.get("node") or "", ids[0])


def is_worth_waking(stanza: Stanza) -> bool:
    """Whether a client that is not connected is told by a push that this waits for it."""
    names = stanza.child_names
    if stanza.name == "iq":
        return stanza.type == "set" and (_NS_JINGLE, "jingle") in names and _is_call(stanza)
    if stanza.name != "message" or stanza.type == "error":
        return False
    if (NS_CARBONS, "received") in names:
        original = _forwarded(stanza)
        return original is not None and is_worth_waking(original)
    if not WAKING.isdisjoint(names):
        return True
    return (NS_MUC_USER, "x") in names and kind_of(stanza).is_durable


def original_of(stanza: Stanza) -> Stanza:
    """Give the message that a carbon is about; anything else as it is."""
    return stanza if COPIES.isdisjoint(stanza.child_names) else _forwarded(stanza) or stanza


def _weight_of_message(stanza: Stanza) -> Weight:
    names = stanza.child_names
    if stanza.type == "error" or kind_of(stanza).is_durable:
        return Weight.NOW
    if not COPIES.isdisjoint(names):
        original = _forwarded(stanza)
        return Weight.NOW if original is None else _weight_of_message(original)
    if not CHAT_STATES.isdisjoint(names) and WEIGHTLESS.issuperset(names):
        return Weight.NEVER
    light = LATER_BY_TYPE.get(stanza.type)
    return Weight.LATER if light is not None and light.issuperset(names) else Weight.NOW


def _forwarded(copy: Stanza) -> Stanza | None:
    """Give the message in a carbon; None where there is none to be seen."""
    for child in _elements(copy):
        if (child.ns, child.name) in COPIES:
            forwarded = child.child("forwarded", NS_FORWARD)
            message = forwarded.child("message", CLIENT) if forwarded is not None else None
            return Stanza.from_element(message) if message is not None else None
    return None


def _is_self_in_room(stanza: Stanza) -> bool:
    if (NS_MUC_USER, "x") not in stanza.child_names or SELF_STATUS.encode() not in stanza.inner:
        return False
    marks = [child for child in _elements(stanza) if (child.ns, child.name) == (NS_MUC_USER, "x")]
    return any(
        child.name == "status" and child.get("code") == SELF_STATUS
        for mark in marks
        for child in mark.elements()
    )


def _items(stanza: Stanza) -> Element | None:
    """Give the items of an event about nothing else (XEP-0060 7.1.2.1)."""
    for child in _elements(stanza):
        if (child.ns, child.name) == EVENT:
            parts = list(child.elements())
            return parts[0] if len(parts) == 1 and parts[0].name == "items" else None
    return None


def _is_call(stanza: Stanza) -> bool:
    return any(child.get("action") == "session-initiate" for child in _elements(stanza))


def _elements(stanza: Stanza) -> list[Element]:
    try:
        return list(stanza.element.elements())
    except ValueError:
        return []

"""What a message is good for: kept, archived, copied; from its type and the names of its children, as tables.

XEP-0334 1.0.0 (hints), the rules by type of XEP-0160 and XEP-0313 5.1.1, and XEP-0280 6.1. The words: a *durable*
message is one that must not get lost, so that it waits for who is offline; an *archivable* one is durable and may be
kept for good; a *copied* one goes to the other clients of the account that sends it, or of the one that receives it.
"""

from functools import cache
from typing import Final, NamedTuple

from xmppd.stanza.layout import ChildName
from xmppd.stanza.ns import CLIENT
from xmppd.stanza.stanza import Stanza

NS_HINTS: Final = "urn:xmpp:hints"
NS_CARBONS: Final = "urn:xmpp:carbons:2"
NS_MUC_USER: Final = "http://jabber.org/protocol/muc#user"
NS_RETRACT: Final = "urn:xmpp:message-retract:1"
_NS_CONFERENCE: Final = "jabber:x:conference"
_NS_RECEIPTS: Final = "urn:xmpp:receipts"
_NS_MARKERS: Final = "urn:xmpp:chat-markers:0"
_NS_STATES: Final = "http://jabber.org/protocol/chatstates"

WORTH, BODY, TALK, INVITE, MUC = 1, 2, 4, 8, 16
NO_STORE, NO_PERMANENT, NO_COPY, PRIVATE, RETRACT = 32, 64, 128, 256, 512

MEANING: Final[dict[ChildName, int]] = {
    (CLIENT, "body"): WORTH | BODY,
    (CLIENT, "subject"): WORTH,
    (_NS_CONFERENCE, "x"): WORTH | INVITE,  # XEP-0249
    (NS_MUC_USER, "x"): MUC,  # XEP-0045: a mediated invitation, or the mark of a private message in a room
    (_NS_RECEIPTS, "received"): WORTH | TALK,  # XEP-0184
    (_NS_RECEIPTS, "request"): TALK,
    (_NS_MARKERS, "received"): WORTH | TALK,  # XEP-0333
    (_NS_MARKERS, "displayed"): WORTH | TALK,
    (_NS_MARKERS, "acknowledged"): WORTH | TALK,
    (_NS_MARKERS, "markable"): TALK,
    (_NS_STATES, "active"): TALK,  # XEP-0085
    (_NS_STATES, "composing"): TALK,
    (_NS_STATES, "paused"): TALK,
    (_NS_STATES, "inactive"): TALK,
    (_NS_STATES, "gone"): TALK,
    (NS_RETRACT, "retract"): WORTH | RETRACT,  # XEP-0424
    ("eu.siacs.conversations.axolotl", "encrypted"): WORTH,  # XEP-0384, before its version 0.4
    ("urn:xmpp:omemo:1", "encrypted"): WORTH,
    ("urn:xmpp:omemo:2", "encrypted"): WORTH,
    ("urn:xmpp:openpgp:0", "openpgp"): WORTH,  # XEP-0373
    ("jabber:x:encrypted", "x"): WORTH,  # XEP-0027
    ("urn:xmpp:eme:0", "encryption"): WORTH,  # XEP-0380: says that there is a payload, whichever it is
    (NS_HINTS, "store"): WORTH,
    (NS_HINTS, "no-store"): NO_STORE,
    (NS_HINTS, "no-permanent-store"): NO_PERMANENT,
    (NS_HINTS, "no-permanent-storage"): NO_PERMANENT,  # as versions before 0.3 spelled them
    (NS_HINTS, "no-storage"): NO_STORE,
    (NS_HINTS, "no-copy"): NO_COPY,
    (NS_CARBONS, "private"): PRIVATE,
}
"""What a child element says about its message; what is not here says nothing."""


class TypeRule(NamedTuple):
    """What a type of message allows, and what makes it a message for all clients of an account (XEP-0280 6.1)."""

    may_be_kept: bool
    copied_with: int
    """It is copied if it has any of these, always with -1, never with 0."""


TYPES: Final = {
    "normal": TypeRule(True, BODY | TALK | INVITE),
    "chat": TypeRule(True, -1),
    "headline": TypeRule(False, TALK | INVITE),
    "groupchat": TypeRule(False, 0),
    "error": TypeRule(False, 0),
}
"""A missing or unknown type is "normal" (RFC 6121 5.2.2)."""


class Kind(NamedTuple):
    """What a message is good for."""

    is_durable: bool
    is_archivable: bool
    is_missed: bool
    """Whether its sender must be told if it can neither be delivered nor kept."""
    is_copied_sent: bool
    is_copied_received: bool
    is_retraction: bool


def kind_of(stanza: Stanza) -> Kind:
    """Give what a message is good for. Looks at names alone, but for the rare element of a room; once a stanza."""
    known = stanza.kind
    if type(known) is Kind:
        return known
    flags = 0
    for name in stanza.child_names:
        flags |= MEANING.get(name, 0)
    if flags & MUC and _is_invitation(stanza):
        flags = flags & ~MUC | WORTH | INVITE
    kind = stanza.kind = _kind(stanza.type if stanza.type in TYPES else "normal", flags)
    return kind


def is_durable(stanza: Stanza) -> bool:
    """Whether a message must not get lost: it waits for an account that is offline."""
    return kind_of(stanza).is_durable


def is_archivable(stanza: Stanza) -> bool:
    """Whether a message belongs into the archives of who sent it and who gets it (XEP-0313 5.1.1)."""
    return kind_of(stanza).is_archivable


def is_copied(stanza: Stanza) -> bool:
    """Whether a message is copied to the other clients of the account that gets it (XEP-0280 6.1)."""
    return kind_of(stanza).is_copied_received


@cache  # five types and so many flags: bounded by the tables above
def _kind(type_: str, flags: int) -> Kind:
    rule = TYPES[type_]
    is_worth = rule.may_be_kept and bool(flags & WORTH)
    is_durable = is_worth and not flags & NO_STORE
    is_copied = bool(flags & rule.copied_with or rule.copied_with == -1) and not flags & (NO_COPY | PRIVATE)
    return Kind(
        is_durable=is_durable,
        is_archivable=is_durable and not flags & NO_PERMANENT,
        is_missed=is_worth,
        is_copied_sent=is_copied,
        is_copied_received=is_copied and not flags & MUC,
        is_retraction=bool(flags & RETRACT),
    )


def _is_invitation(stanza: Stanza) -> bool:
    """Whether the element of a room is a mediated invitation (XEP-0045 7.8.2) and no private message (7.5)."""
    try:
        marks = [child for child in stanza.element.elements() if (child.ns, child.name) == (NS_MUC_USER, "x")]
    except ValueError:
        return False
    return any(mark.child("invite") is not None for mark in marks)

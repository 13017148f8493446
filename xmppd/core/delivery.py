"""Who gets a message to a local account: RFC 6121 8.5 as data.

A message to a full JID with a connected session goes to that session. For all others a `Rule` says which resources
take it and what becomes of it where none does; an unknown or missing type is "normal" (RFC 6121 5.2.2).
"""

from dataclasses import dataclass
from enum import Enum

from xmppd.core.events import Traffic
from xmppd.core.registry import SessionRegistry
from xmppd.core.session import Session
from xmppd.core.waiting import Waiting
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza


class Takers(Enum):
    """Which available resources of non-negative priority take a message."""

    NONE = "none"
    TOP = "those of the highest priority"
    ALL = "all of them"


class Otherwise(Enum):
    """What becomes of a message that no resource takes."""

    KEEP = "somebody may keep it, else the sender gets service-unavailable"
    REFUSE = "the sender gets service-unavailable"
    DROP = "nothing"


@dataclass(frozen=True, slots=True)
class Rule:
    """One cell of the table: who takes it, and what otherwise."""

    takers: Takers
    otherwise: Otherwise


TO_BARE = {
    "normal": Rule(Takers.TOP, Otherwise.KEEP),
    "chat": Rule(Takers.TOP, Otherwise.KEEP),
    "headline": Rule(Takers.ALL, Otherwise.DROP),
    "groupchat": Rule(Takers.NONE, Otherwise.REFUSE),
    "error": Rule(Takers.NONE, Otherwise.DROP),
}
"""RFC 6121 8.5.2: the message is addressed to the account."""

TO_ABSENT = {
    "normal": Rule(Takers.NONE, Otherwise.REFUSE),
    "chat": Rule(Takers.TOP, Otherwise.KEEP),
    "headline": Rule(Takers.NONE, Otherwise.DROP),
    "groupchat": Rule(Takers.NONE, Otherwise.REFUSE),
    "error": Rule(Takers.NONE, Otherwise.DROP),
}
"""RFC 6121 8.5.3.2: the message is addressed to a resource that is not connected."""


def rule_of(stanza: Stanza, target: JID) -> Rule:
    """Give the rule for a message to a bare JID, or to a full JID without a session."""
    table = TO_BARE if target.resourcepart is None else TO_ABSENT
    return table.get(stanza.type or "normal") or table["normal"]


def recipients(registry: SessionRegistry, stanza: Stanza, target: JID) -> tuple[Session, ...]:
    """Give the sessions that take a message to this account, by its rule; ties at the top all take it."""
    takers = rule_of(stanza, target).takers
    if takers is Takers.NONE:
        return ()
    sessions = [s for s in registry.resources(target.bare) if s.presence is not None and s.priority >= 0]
    if takers is Takers.ALL or len(sessions) < 2:
        return tuple(sessions)
    top = max([session.priority for session in sessions])
    return tuple([session for session in sessions if session.priority == top])


def no_taker(traffic: Traffic) -> Waiting:
    """Nobody takes a message: `StanzaError` service-unavailable, or it is dropped."""
    if rule_of(traffic.stanza, traffic.target).otherwise is not Otherwise.DROP:
        raise StanzaError("service-unavailable")
    return None

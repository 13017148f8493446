"""Why a request about a node is refused: the conditions of XEP-0060 12, each with its stanza error."""

from typing import Final

from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError

NS_ERRORS: Final = "http://jabber.org/protocol/pubsub#errors"

CONDITIONS: Final = {
    "closed-node": ("not-allowed", "cancel"),
    "configuration-required": ("not-acceptable", "modify"),
    "invalid-jid": ("bad-request", "modify"),
    "invalid-options": ("bad-request", "modify"),
    "invalid-payload": ("bad-request", "modify"),
    "invalid-subid": ("not-acceptable", "modify"),
    "item-forbidden": ("bad-request", "modify"),
    "item-required": ("bad-request", "modify"),
    "jid-required": ("bad-request", "modify"),
    "max-items-exceeded": ("not-allowed", "cancel"),
    "max-nodes-exceeded": ("policy-violation", "cancel"),
    "node-full": ("conflict", "cancel"),
    "nodeid-required": ("bad-request", "modify"),
    "not-in-roster-group": ("not-authorized", "auth"),
    "not-subscribed": ("unexpected-request", "cancel"),
    "payload-too-big": ("not-acceptable", "modify"),
    "payload-required": ("bad-request", "modify"),
    "pending-subscription": ("not-authorized", "auth"),
    "precondition-not-met": ("conflict", "cancel"),
    "presence-subscription-required": ("not-authorized", "auth"),
    "subid-required": ("bad-request", "modify"),
    "too-many-subscriptions": ("policy-violation", "wait"),
}
"""The conditions of our own namespace: the stanza error that goes with each, and its type."""


class NoSuchNode(StanzaError):
    """item-not-found: the node that a request is about is not there."""

    def __init__(self) -> None:
        super().__init__("item-not-found", "There is no such node")


def refusal(condition: str, text: str | None = None) -> StanzaError:
    """Give the error that says *condition*, one of the table above."""
    general, type = CONDITIONS[condition]
    return StanzaError(general, text, type=type, extra=Element(condition, NS_ERRORS))


def unsupported(feature: str, text: str | None = None) -> StanzaError:
    """Give the error for what is not served: *feature* by its name in XEP-0060 10."""
    extra = Element("unsupported", NS_ERRORS, {"feature": feature})
    return StanzaError("feature-not-implemented", text, extra=extra)

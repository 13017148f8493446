"""Which messages of a room are kept in its archive (XEP-0313 5.1.1, 6.1.2), from the names of their children."""

from typing import Final

from xmppd.stanza.kinds import MEANING, NO_PERMANENT, NO_STORE, NS_RETRACT, WORTH
from xmppd.stanza.layout import ChildName
from xmppd.stanza.ns import CLIENT

BODY: Final[ChildName] = (CLIENT, "body")
SUBJECT: Final[ChildName] = (CLIENT, "subject")
REPLACE: Final[ChildName] = ("urn:xmpp:message-correct:0", "replace")
THREAD: Final[ChildName] = (CLIENT, "thread")
RETRACT: Final[ChildName] = (NS_RETRACT, "retract")
ALSO_KEPT: Final = frozenset(
    (
        ("urn:xmpp:reactions:0", "reactions"),  # XEP-0444
        ("urn:xmpp:fasten:0", "apply-to"),  # XEP-0422
        ("urn:xmpp:reference:0", "reference"),  # XEP-0372
    )
)
NOT_KEPT: Final = frozenset(("urn:xmpp:receipts", "urn:xmpp:chat-markers:0"))
"""Each occupant says these of each message; they pass and are not kept."""


def is_kept(names: tuple[ChildName, ...]) -> bool:
    """Whether a groupchat message with these children is to be found in the archive."""
    is_worth, flags = False, 0
    for name in names:
        meaning = MEANING.get(name, 0)
        flags |= meaning
        if (meaning & WORTH and name[0] not in NOT_KEPT) or name in ALSO_KEPT:
            is_worth = True
    return is_worth and not flags & (NO_STORE | NO_PERMANENT)


def is_subject(names: tuple[ChildName, ...]) -> bool:
    """Whether a groupchat message changes the subject (8.1)."""
    return SUBJECT in names and BODY not in names and THREAD not in names

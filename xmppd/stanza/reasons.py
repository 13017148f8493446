"""Why a stanza is not kept, archived, copied, worth waking for, or waits: the tables of `kinds`, `importance` in words.

Each gives None where the table says yes: what is asked here is the table itself, and the words name what decided it.
"""

from typing import Final

from xmppd.stanza.importance import (
    CHAT_STATES,
    EVENT,
    Weight,
    is_worth_waking,
)
from xmppd.stanza.kinds import (
    MEANING,
    MUC,
    NO_COPY,
    NO_PERMANENT,
    NO_STORE,
    PRIVATE,
    TYPES,
    kind_of,
)
from xmppd.stanza.stanza import Stanza

NOTHING_TO_KEEP: Final = "it has no body, and nothing else that must not get lost"
NOTHING_TO_READ: Final = "it has nothing to read, no invitation and no call"


def type_of(message: Stanza) -> str:
    """Give the type by which a message is judged (RFC 6121 5.2.2)."""
    return message.type if message.type in TYPES else "normal"


def why_not_kept(message: Stanza) -> str | None:
    """Say why a message does not wait for who is not there."""
    if kind_of(message).is_durable:
        return None
    if not TYPES[type_of(message)].may_be_kept:
        return f"messages of type {type_of(message)} are not kept"
    return _says(message, NO_STORE) or NOTHING_TO_KEEP


def why_not_archivable(message: Stanza) -> str | None:
    """Say why a message belongs into nobody's archive (XEP-0313 5.1.1)."""
    if kind_of(message).is_archivable:
        return None
    return why_not_kept(message) or _says(message, NO_PERMANENT) or NOTHING_TO_KEEP


def why_not_copied(message: Stanza, *, is_sent: bool) -> str | None:
    """Say why a message is not copied to the other clients of who sends it, or gets it (XEP-0280 6.1)."""
    kind = kind_of(message)
    if kind.is_copied_sent if is_sent else kind.is_copied_received:
        return None
    if TYPES[type_of(message)].copied_with == 0:
        return f"messages of type {type_of(message)} are not copied"
    hint = _says(message, NO_COPY | PRIVATE)
    if hint is None and not is_sent and kind.is_copied_sent and _bearing(message, MUC):
        return "a private message in a room goes to the client that is in the room"
    return (
        hint
        or f"a message of type {type_of(message)} is copied if it has a body, a state, a receipt or the like"
    )


def why_not_waking(stanza: Stanza) -> str | None:
    """Say why nobody is woken for a stanza (XEP-0357)."""
    return None if is_worth_waking(stanza) else NOTHING_TO_READ


def why_held(stanza: Stanza, weight: Weight) -> str | None:
    """Say why an inactive client is not sent a stanza of this *weight* now (XEP-0352)."""
    if weight is Weight.NOW:
        return None
    if stanza.name == "presence":
        return "presence can wait, the last of each address"
    if not CHAT_STATES.isdisjoint(stanza.child_names) and weight is Weight.NEVER:
        return "a chat state is out of date when the client looks again"
    if EVENT in stanza.child_names:
        return "what was published can wait, the last of each item"
    return f"a message of type {type_of(stanza)} with nothing to read can wait"


def _bearing(message: Stanza, flags: int) -> str | None:
    for name in message.child_names:
        if MEANING.get(name, 0) & flags:
            return name[1]
    return None


def _says(message: Stanza, flags: int) -> str | None:
    hint = _bearing(message, flags)
    return None if hint is None else f"it says <{hint}/>"

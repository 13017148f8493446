"""What others hear of messages that wait for an account: who wakes its clients wants to know."""

from collections.abc import Sequence

from xmppd.core.hooks import Hook
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza


class Kept:
    """Messages that wait now in an account's inbox; *owner* is its bare JID."""

    __slots__ = ("owner", "stanzas")

    def __init__(self, owner: JID, stanzas: Sequence[Stanza]):
        self.owner = owner
        self.stanzas = stanzas


KEPT = Hook[Kept](
    "inbox-kept",
    "Notified when messages wait in the inbox of an account that no resource takes, at its host.",
)

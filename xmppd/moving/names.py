"""Addresses as other servers write them, read by our rules; and the other side of a message."""

import re
from typing import Final

from xmppd.stanza.jid import JID, InvalidJID
from xmppd.stanza.stanza import Stanza

_ILLEGAL: Final = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""What XML 1.0 2.2 does not have as a character."""


def legal(text: str) -> str:
    """Give *text* back; ValueError where XML cannot have it."""
    found = _ILLEGAL.search(text)
    if found is not None:
        raise ValueError(f"the character U+{ord(found[0]):04X} cannot stand in XML")
    return text


def jid_or_none(text: object) -> JID | None:
    """Give the JID that *text* is; None for none."""
    if not isinstance(text, str) or not text:
        return None
    try:
        return JID.parse(text)
    except InvalidJID:
        return None


def other_side(owner: str, stanza: Stanza, fallback: str = "") -> JID | None:
    """Give with whom the account *owner* (a bare JID) has exchanged a message; *fallback* where it does not say."""
    sender, target = jid_or_none(stanza.from_), jid_or_none(stanza.to)
    if sender is not None and (sender.bare != owner or target is None or target.bare == owner):
        return sender
    return target or jid_or_none(fallback)

"""Under which id a message enters an account's archive, for those who tell of it or refer to it (XEP-0359)."""

from collections.abc import Iterable

from xmppd.stanza.element import escape_attr
from xmppd.stanza.layout import ChildName
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Append, Change

NS_SID = "urn:xmpp:sid:0"
STANZA_ID: ChildName = (NS_SID, "stanza-id")
STORE = "archive"


def archived_as(changes: Iterable[Change], owner: str) -> str | None:
    """Give the id under which *changes* put a message into the archive of *owner*, if they do."""
    for change in changes:
        if type(change) is Append and change.store == STORE and change.owner == owner:
            return change.entry.id
    return None


def with_stanza_id(stanza: Stanza, by: str, id: str) -> Stanza:
    """Give *stanza* with the stanza-id that its archive has for it, behind all other children (XEP-0359 3)."""
    return stanza.with_last(
        f"<stanza-id xmlns='{NS_SID}' by='{escape_attr(by)}' id='{id}'/>".encode(), STANZA_ID
    )


def stanza_id_of(stanza: Stanza, by: str) -> str | None:
    """Give the id that *by* (a bare JID of ours) has for *stanza*, if it bears one; ours is the last."""
    if STANZA_ID not in stanza.child_names:
        return None
    found = [child for child in stanza.element.elements() if (child.ns, child.name) == STANZA_ID]
    return next((child.get("id") for child in reversed(found) if child.get("by") == by), None)

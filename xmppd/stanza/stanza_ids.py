"""The id that an archive has for a message, borne by the message (XEP-0359): how it is read and written."""

from xmppd.stanza.element import escape_attr
from xmppd.stanza.jid import JID, InvalidJID
from xmppd.stanza.layout import ChildName
from xmppd.stanza.stanza import Stanza

NS = "urn:xmpp:sid:0"
STANZA_ID: ChildName = (NS, "stanza-id")


def with_stanza_id(stanza: Stanza, by: str, id: str) -> Stanza:
    """Give *stanza* with the stanza-id that its archive has for it, behind all other children (XEP-0359 3)."""
    return stanza.with_last(f"<stanza-id xmlns='{NS}' by='{escape_attr(by)}' id='{id}'/>".encode(), STANZA_ID)


def stanza_id_of(stanza: Stanza, by: str) -> str | None:
    """Give the id that *by* (a bare JID of ours) has for *stanza*, if it bears one; ours is the last."""
    if STANZA_ID not in stanza.child_names:
        return None
    found = [child for child in stanza.element.elements() if (child.ns, child.name) == STANZA_ID]
    return next((child.get("id") for child in reversed(found) if child.get("by") == by), None)


def without_ids_of(stanza: Stanza, by: str) -> Stanza:
    """Give *stanza* without the stanza-ids of *by* (a bare JID), however that is spelled (XEP-0359 3 rule 2)."""
    children = list(stanza.element.elements())
    return stanza.without(
        lambda ns, name, index: (ns, name) == STANZA_ID and _is(children[index].get("by"), by)
    )


def _is(claimed: str | None, by: str) -> bool:
    try:
        return claimed is not None and JID.parse(claimed.strip()).full == by
    except InvalidJID:
        return False

"""Archiving preferences on the wire: XEP-0441 2.1."""

from xmppd.services.archive.preferences import DEFAULTS, Preferences
from xmppd.services.archive.query import NS
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID, InvalidJID


def read_preferences(payload: Element, max_jids: int) -> Preferences:
    """Read ``<prefs/>``. Raises `StanzaError`: bad-request, jid-malformed, policy-violation for too many JIDs."""
    default = payload.get("default")
    if default not in DEFAULTS:
        raise StanzaError("bad-request", "The default is always, never or roster")
    always, never = _jids(payload, "always"), _jids(payload, "never")
    if len(always) + len(never) > max_jids:
        raise StanzaError("policy-violation", f"At most {max_jids} addresses")
    return Preferences(default, always, never)


def preferences_element(preferences: Preferences, default: str) -> Element:
    """Make ``<prefs/>``; *default* holds where none was chosen."""
    lists = [
        Element(name, NS, None, [Element("jid", NS, children=[jid]) for jid in sorted(jids)])
        for name, jids in (("always", preferences.always), ("never", preferences.never))
    ]
    return Element("prefs", NS, {"default": preferences.default or default}, lists)


def _jids(payload: Element, name: str) -> frozenset[str]:
    listed = payload.child(name)
    try:
        return frozenset(
            JID.parse(child.text.strip()).full
            for child in (listed.elements() if listed is not None else ())
            if child.name == "jid"
        )
    except InvalidJID as error:
        raise StanzaError("jid-malformed", str(error)) from error

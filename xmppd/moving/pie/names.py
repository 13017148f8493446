"""Names of XEP-0227 and of what it embeds. What it does not have stands in `OURS`, which others pass over (3)."""

from typing import Final

from xmppd.services.pubsub.items import NS as PUBSUB
from xmppd.services.pubsub.items import NS_OWNER as PUBSUB_OWNER
from xmppd.services.roster.items import NS as ROSTER
from xmppd.stanza.delay import NS_DELAY as DELAY
from xmppd.stanza.ns import CLIENT

__all__ = ["CLIENT", "DELAY", "PUBSUB", "PUBSUB_OWNER", "ROSTER"]

PIE: Final = "urn:xmpp:pie:0"
SCRAM: Final = "urn:xmpp:pie:0#scram"
ARCHIVE: Final = "urn:xmpp:pie:0#mam"
XINCLUDE: Final = "http://www.w3.org/2001/XInclude"
PRIVATE: Final = "jabber:iq:private"
PRIVACY: Final = "jabber:iq:privacy"
BLOCKING: Final = "urn:xmpp:blocking"
MAM: Final = "urn:xmpp:mam:2"
FORWARD: Final = "urn:xmpp:forward:0"
VCARD: Final = "vcard-temp"
FORM: Final = "jabber:x:data"
NODE_CONFIG: Final = "http://jabber.org/protocol/pubsub#node_config"

OURS: Final = "urn:xmppd:pie:0"
"""When an account was made, last seen, disabled; when and by whom items were published; rooms."""

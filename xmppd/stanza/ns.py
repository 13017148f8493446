"""The namespaces of RFC 6120 and RFC 6121; that of an extension stands in the file of the extension."""

from typing import Final

CLIENT: Final = "jabber:client"
SERVER: Final = "jabber:server"
STREAMS: Final = "http://etherx.jabber.org/streams"
TLS: Final = "urn:ietf:params:xml:ns:xmpp-tls"
SASL: Final = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND: Final = "urn:ietf:params:xml:ns:xmpp-bind"
SESSION: Final = "urn:ietf:params:xml:ns:xmpp-session"
STANZA_ERRORS: Final = "urn:ietf:params:xml:ns:xmpp-stanzas"
STREAM_ERRORS: Final = "urn:ietf:params:xml:ns:xmpp-streams"
ROSTER: Final = "jabber:iq:roster"
DIALBACK: Final = "jabber:server:dialback"
COMPONENT: Final = "jabber:component:accept"
PRE_APPROVAL: Final = "urn:xmpp:features:pre-approval"
ROSTER_VERSIONING: Final = "urn:xmpp:features:rosterver"
ERRORS: Final = "urn:xmpp:errors"
XML: Final = "http://www.w3.org/XML/1998/namespace"
XMLNS: Final = "http://www.w3.org/2000/xmlns/"
CONTENT: Final = frozenset({CLIENT, SERVER, COMPONENT})
"""What may be the content namespace of a stream: RFC 6120 4.8.2, XEP-0114."""

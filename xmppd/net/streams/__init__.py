"""XMPP streams (RFC 6120 4): from the header to the end, whatever carries them."""

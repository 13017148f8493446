"""A load generator and scenarios that measure XMPP servers side by side."""

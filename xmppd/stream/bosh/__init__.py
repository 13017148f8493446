"""XMPP over BOSH without I/O: bodies to events, and the window of requests (XEP-0124, XEP-0206)."""

"""Who is shown to whom: presence (RFC 6121 4) and blocking (XEP-0191)."""

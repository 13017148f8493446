"""Streams to and from other servers: RFC 6120, XEP-0220, XEP-0178."""

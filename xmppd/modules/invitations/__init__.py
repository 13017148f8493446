"""Invitations on the wire: XEP-0401, XEP-0445, XEP-0379."""

"""Multi-User Chat: XEP-0045 on the wire; the rooms themselves are in `xmppd.services.rooms`."""

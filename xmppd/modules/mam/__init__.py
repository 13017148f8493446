"""Message Archive Management: XEP-0313 on the wire; what goes into the archives is in `xmppd.services.archive`."""

"""Tests of xmppd.net.elsewhere, each with a real small server."""

"""Tests of xmppd.stanza."""

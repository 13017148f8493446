"""Tests of `xmppd.net.http`."""

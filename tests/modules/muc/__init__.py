"""Tests of `xmppd.modules.muc`."""

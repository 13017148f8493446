"""Tests of xmppd.admin.check."""

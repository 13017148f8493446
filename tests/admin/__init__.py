"""Tests of xmppd.admin."""

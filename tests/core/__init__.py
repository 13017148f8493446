"""Tests of xmppd.core."""

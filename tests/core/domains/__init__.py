"""Tests of xmppd.core.domains."""

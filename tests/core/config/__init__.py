"""Tests of xmppd.core.config."""

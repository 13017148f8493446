"""Tests of xmppd.config."""

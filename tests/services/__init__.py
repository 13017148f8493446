"""Tests of xmppd.services."""

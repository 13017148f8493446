"""Tests of xmppd.storage."""

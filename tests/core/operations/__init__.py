"""Tests of xmppd.core.operations."""

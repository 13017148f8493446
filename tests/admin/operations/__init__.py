"""Tests of xmppd.admin.operations."""

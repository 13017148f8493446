"""Tests of xmppd.admin.metrics."""

"""Tests of xmppd.services.reports."""

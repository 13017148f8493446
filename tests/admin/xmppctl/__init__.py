"""Tests of xmppctl."""

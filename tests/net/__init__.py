"""Tests of xmppd.net."""

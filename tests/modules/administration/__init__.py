"""Tests of xmppd.modules.administration."""

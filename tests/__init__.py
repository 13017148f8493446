"""Tests of xmppd; the folders mirror those of the package."""

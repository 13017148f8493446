"""Tests of `xmppd.services.rooms`."""

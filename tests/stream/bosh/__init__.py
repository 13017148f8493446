"""Tests of `xmppd.stream.bosh`."""

"""Tests of xmppd.stream: bytes to events, without I/O."""

"""Tests of `xmppd.services.pubsub`."""

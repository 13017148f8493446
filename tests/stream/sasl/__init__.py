"""Tests of xmppd.stream.sasl, and a SCRAM client for others."""

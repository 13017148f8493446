"""Twisted protocols, factories, TLS and listeners: the only package that knows sockets."""

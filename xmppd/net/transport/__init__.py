"""Sockets: how bytes come in and go out, and the reactor that does it."""

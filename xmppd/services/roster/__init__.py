"""Rosters and subscriptions (RFC 6121 2 and 3)."""

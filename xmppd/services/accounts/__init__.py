"""Accounts: who there is, what becomes of their sessions, and their end."""

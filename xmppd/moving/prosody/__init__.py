"""Reads what Prosody (0.10 to 13) stores: in files of its own, or in SQLite."""

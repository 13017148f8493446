"""Backups of a whole server, made while it runs, and put back while it does not."""

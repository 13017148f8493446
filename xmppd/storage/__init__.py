"""Stores that keep what must survive: interfaces and their back ends."""

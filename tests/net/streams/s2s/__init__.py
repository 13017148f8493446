"""Streams of servers."""

"""Scripted conversations of named clients; each file is one rule that a client can see."""

"""The kinds of domain, each with what becomes of a stanza that is addressed to it."""

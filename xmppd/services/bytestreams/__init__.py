"""File transfers that are relayed between two clients (XEP-0065)."""

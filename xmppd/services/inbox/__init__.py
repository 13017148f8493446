"""The inbox of an account: each durable message in it until it is done, and who holds a copy (XEP-0160, XEP-0198)."""

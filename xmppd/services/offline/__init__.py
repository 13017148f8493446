"""Messages that wait for an account without an available resource (XEP-0160)."""

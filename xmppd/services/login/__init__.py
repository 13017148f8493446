"""Who logs in, by which mechanism, and the clients and resources of an account."""

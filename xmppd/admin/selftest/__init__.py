"""``xmppctl selftest``: two throw-away accounts do what users do, over the public listeners of the running server."""

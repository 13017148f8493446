xmppctl lists the clients of an account with resource, address, TLS, token and time, and revokes one (``session clients``, ``session revoke``); ``session list`` names them.

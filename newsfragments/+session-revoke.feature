xmppctl lists the clients of an account and revokes one (``session clients``, ``session revoke``); ``session list`` names them.

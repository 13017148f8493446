A manual with a tutorial, how-tos and a reference that is made of the program itself; man pages ``xmppd(8)``, ``xmppctl(1)``, ``xmppd.toml(5)``; ``doap.xml`` (``make docs``).

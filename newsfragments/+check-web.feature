``xmppctl check`` tells where web clients do not find a domain (host-meta), and what would cross the network without TLS.

A transport and a reactor of our own: output of a turn leaves in one send, TLS runs on the socket itself, and half the CPU of Twisted's is spent. ``twistd --reactor xmppd`` chooses the reactor.

``xmppd --uid USER`` and ``twistd --uid USER xmppd``, started by root, serve as that user: all that is made belongs to it. A server that serves as root says so once.

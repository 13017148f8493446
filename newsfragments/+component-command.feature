``xmppctl component list``, ``show`` and ``close``: programs that are a service, since when they are connected, how many stanzas came and went, how many messages wait, and what they may do.

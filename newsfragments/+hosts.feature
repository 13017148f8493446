A start and ``xmppctl check`` tell of accounts of domains that are not served, and ``xmppctl host list|rename|purge`` lists, renames and removes them.

Admins of a pubsub service list, show and delete its nodes by ad-hoc commands of the service, and those of a host the nodes of its accounts (``xmppctl pubsub`` and ``[hosts.NAME.rights]`` as before).

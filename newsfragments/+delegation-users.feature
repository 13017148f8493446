Users may have another service answer requests of a namespace in the server's place (XEP-0355, client mode), where ``[modules.delegation_by_users] namespaces`` lists it.

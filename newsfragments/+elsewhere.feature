``auth = "ldap"``, ``"http"`` and ``"oauth"``: the users of a host are known to a directory, to a program of yours, or to an authorization server (OAUTHBEARER, by introspection or JWT).

Rosters: get, set, remove with strict validation, pushes to interested resources, versions (XEP-0237) and limits (RFC 6121 2).

Shared groups: the members of a group in the configuration, or all accounts of a host, see each other without asking.

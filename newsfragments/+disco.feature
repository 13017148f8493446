Disco of accounts follows XEP-0030 8, also while they are offline; contact addresses of the service (XEP-0157) come from the configuration.

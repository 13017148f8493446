Behind a load balancer the client's address counts: ``proxies`` in ``[c2s]`` and ``[s2s]`` names those that begin their connections with a PROXY protocol header, version 1 or 2.

"""Programs outside that are a service with a domain name of their own (XEP-0114): who is connected, and what waits."""

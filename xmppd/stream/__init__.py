"""RFC 6120 streams without I/O: bytes to events, stream features, SASL mechanisms."""

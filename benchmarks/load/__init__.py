"""The load generator: raw sockets, prepared bytes, no XML parser on the hot path."""

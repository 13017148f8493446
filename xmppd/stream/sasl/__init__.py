"""SASL (RFC 4422, RFC 6120 6) on the server's side, without I/O."""

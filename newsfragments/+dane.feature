DANE (RFC 7673): with ``[s2s] dane = true`` TLSA records say what the certificate of another server is, where a name server on this machine vouches for them by DNSSEC.

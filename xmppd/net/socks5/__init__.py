"""SOCKS5 (RFC 1928), as far as file transfers need it (XEP-0065): it alone is known here."""

FAST: clients log in by a token, in one round trip; tokens rotate, expire and can be revoked, by client and by account (XEP-0484).

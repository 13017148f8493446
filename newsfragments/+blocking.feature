The blocking command (XEP-0191): who is blocked sees the account offline and reaches it no more, also while it is offline.

Users see the clients of their account and revoke one (XEP-0494).

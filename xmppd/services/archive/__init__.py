"""The archive of an account (XEP-0313): what goes in, how long it stays, and how it is searched."""

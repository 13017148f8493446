"""The domain logic of accounts, rosters, presence and messages, as Deferred-returning methods."""

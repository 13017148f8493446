Subscriptions in all nine states of RFC 6121, with requests kept whole until they are answered, and approval in advance (RFC 6121 3).

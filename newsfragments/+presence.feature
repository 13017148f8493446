Presence: initial, broadcast, directed, probed and priorities as RFC 6121 4 wants, in turns that stay short with thousands of contacts.

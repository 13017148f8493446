Clients that have asked for relays are told of what a reload changes (XEP-0215 3.2).

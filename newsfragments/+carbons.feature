Message Carbons: what one client of an account sends or receives reaches its others (XEP-0280); forged stanza-ids are removed (XEP-0359).

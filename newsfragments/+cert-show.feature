``xmppctl cert show HOST`` shows all of a certificate in force: names, dates, issuers, key, fingerprint, and what a TLSA record for DANE has.

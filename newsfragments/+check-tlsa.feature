``xmppctl check`` looks whether TLSA records (DANE) are of the certificate that the server uses, and says which record to publish if not.

Last activity of accounts (XEP-0012): when a contact was last there, for those who may see its presence.

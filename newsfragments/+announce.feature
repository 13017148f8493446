`xmppctl announce send|motd|welcome`, and the commands of XEP-0133 for it: everybody who is there or all accounts are told, a message of the day reaches each account once, new accounts are welcomed.

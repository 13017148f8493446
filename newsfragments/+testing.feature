``xmppd.testing`` gives authors of modules what the server's own tests use: a whole server in memory with a clock, scripted clients, dialogues.

"""What a test of the server or of a module is made of: a whole server in memory, scripted clients, dialogues."""

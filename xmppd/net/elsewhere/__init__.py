"""Who may be asked whether a client is who it says, if not this server: each blocks, and is called in a thread."""

"""The control socket: how an administrator's command reaches the running server, and what it does there."""

"""``python -m xmppd``: the server in the foreground, as the command ``xmppd``."""

from xmppd.admin.launch import main

main()

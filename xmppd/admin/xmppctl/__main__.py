"""``python -m xmppd.admin.xmppctl``, for where the console script is not on the path."""

from xmppd.admin.xmppctl.app import main

main()

"""xmppctl, the administrator's command line: talks to the running server, or works straight on its store."""

from xmppd.admin.xmppctl.app import main

__all__ = ["main"]

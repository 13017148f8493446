"""What the servers of the tests run on, by the environment; ``XMPPD_TEST_REACTOR`` is explained in ``tests``.

``XMPPD_TEST_TRANSPORT`` is that of a server's connections, "xmppd" or "twisted"; without it they are as shipped.
"""

import os

TRANSPORT = os.environ.get("XMPPD_TEST_TRANSPORT", "xmppd")
REACTOR = "xmppd" if os.environ.get("XMPPD_TEST_REACTOR", "xmppd") == "xmppd" else "default"
"""Of servers in processes of their own: ours, or Twisted's for this system."""
NET = f'[net]\ntransport = "{TRANSPORT}"\nreactor = "{REACTOR}"\n'
"""The same as a table of the configuration."""

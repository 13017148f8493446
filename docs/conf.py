"""Settings of the manual; build it with ``make docs``."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent / "_ext"), str(Path(__file__).parent.parent)]

from xmppd import __version__  # noqa: E402 - of this checkout, whatever is installed

project = "xmppd"
author = "The xmppd authors"
copyright = "the xmppd authors"  # noqa: A001 - Sphinx's name
release = version = __version__
extensions = ["sphinx_click", "reference"]
exclude_patterns = ["_build", "_ext"]
nitpicky = True
html_theme = "furo"
html_title = f"xmppd {version}"
html_copy_source = False
man_pages = [
    ("man/xmppd", "xmppd", "an XMPP server", author, 8),
    ("reference/xmppctl", "xmppctl", "run the XMPP server xmppd", author, 1),
    ("reference/configuration", "xmppd.toml", "the configuration of xmppd", author, 5),
]

"""Settings of the manual; build it with ``make docs``."""

from xmppd import __version__

project = "xmppd"
author = "The xmppd authors"
release = version = __version__
extensions: list[str] = []
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "An XMPP server on Twisted", "page_width": "1000px"}

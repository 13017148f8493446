"""Message Processing Hints: XEP-0334. What they mean is in the tables of `xmppd.stanza.kinds`."""

from xmppd.core.module import XEP, Module
from xmppd.stanza.kinds import NS_HINTS


class Hints(Module):
    """Says that hints are understood."""

    name = "hints"
    summary = "Message Processing Hints"
    xep = XEP(334, "1.0.0")
    features = (NS_HINTS,)

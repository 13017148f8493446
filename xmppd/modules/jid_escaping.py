"""JID escaping: XEP-0106. Escaped names are taken and routed like any other; `xmppd.stanza.escaping` writes and reads
them."""

from xmppd.core.module import XEP, Module

FEATURE = r"jid\20escaping"


class JIDEscaping(Module):
    """Announces that names may be escaped."""

    name = "jid_escaping"
    summary = "JID Escaping"
    xep = XEP(106, "1.1.1")
    features = (FEATURE,)

"""``[bytestreams]``: where file transfers are relayed (XEP-0065)."""

from xmppd.config.section import Address, Listeners, Section


class Bytestreams(Section):
    """``[bytestreams]``: the proxy for file transfers, for a component with ``module = "bytestreams"``."""

    listen: Listeners = (Address("127.0.0.1", 7777), Address("::1", 7777))
    """Addresses of the proxy for file transfers (XEP-0065). Nothing is listened on while no component is one."""

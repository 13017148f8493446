"""Goes soon: see `xmppd.testing.client`."""

from xmppd.testing.client import NS_BIND as NS_BIND
from xmppd.testing.client import NS_SASL as NS_SASL
from xmppd.testing.client import NS_STREAM as NS_STREAM
from xmppd.testing.client import NS_TLS as NS_TLS
from xmppd.testing.client import PASSWORD as PASSWORD
from xmppd.testing.client import PING_ID as PING_ID
from xmppd.testing.client import Carrier as Carrier
from xmppd.testing.client import Client as Client
from xmppd.testing.client import NothingCame as NothingCame

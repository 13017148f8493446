"""Goes soon: see `xmppd.testing.server`."""

from xmppd.testing.server import START as START
from xmppd.testing.server import Connect as Connect
from xmppd.testing.server import FakeTLS as FakeTLS
from xmppd.testing.server import MemoryCarrier as MemoryCarrier
from xmppd.testing.server import MemoryServer as MemoryServer
from xmppd.testing.server import MemoryTransport as MemoryTransport
from xmppd.testing.server import now as now

"""Goes soon: see `xmppd.testing.sessions`."""

from xmppd.testing.sessions import FakeConnection as FakeConnection
from xmppd.testing.sessions import FakeRoster as FakeRoster
from xmppd.testing.sessions import bound_session as bound_session
from xmppd.testing.sessions import new_session as new_session
from xmppd.testing.sessions import written as written

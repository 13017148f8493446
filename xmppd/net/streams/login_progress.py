"""A SASL2 login that goes on: its exchange, then its tasks (XEP-0388 2)."""

from xmppd.services.login.login import Exchange, Login, Task
from xmppd.stream.sasl.steps import Success


class LoginProgress:
    """Where a login stands."""

    __slots__ = ("exchange", "login", "success", "task")

    def __init__(self, login: Login, exchange: Exchange):
        self.login = login
        self.exchange = exchange
        self.success: Success | None = None
        """The authentication's outcome, while tasks go on."""
        self.task: Task | None = None
        """The task that the client has begun."""

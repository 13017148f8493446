"""A program that is asked by HTTP; the contract is in `xmppd.config.elsewhere.HttpAuth`."""

import json
from typing import Final

from xmppd.config.elsewhere import HttpAuth
from xmppd.core.elsewhere import Unavailable
from xmppd.net.elsewhere.secret import secret_of
from xmppd.net.elsewhere.web import ask

RIGHT: Final = 200
WRONG: Final = (401, 403)


class HttpBackend:
    """Asks the program."""

    def __init__(self, settings: HttpAuth) -> None:
        self._settings = settings

    def is_right(self, user: str, host: str, password: str) -> bool:
        """Ask; blocks. `Unavailable`."""
        settings = self._settings
        headers = {"Content-Type": "application/json"}
        token = secret_of(settings.token, settings.token_file)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = json.dumps({"user": user, "host": host, "password": password}).encode()
        status = ask(settings.url, settings.timeout_s, headers, body).status
        if status != RIGHT and status not in WRONG:
            raise Unavailable(f"{settings.url} answers with status {status}")
        return status == RIGHT

    def whose(self, token: str) -> str | None:
        """Nobody's: it is asked about passwords alone."""
        return None

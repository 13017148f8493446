"""The response after which a connection speaks another protocol (RFC 9110 15.2.2)."""

from collections.abc import Mapping
from typing import Any

from xmppd.core.http import HttpResponse


class Takeover(HttpResponse):
    """Switching Protocols; *protocol* goes on with the connection."""

    __slots__ = ("protocol",)
    protocol: Any

    def __init__(self, status: int, headers: Mapping[str, str], protocol: Any) -> None:
        super().__init__(status, headers)
        object.__setattr__(self, "protocol", protocol)

"""ANONYMOUS (RFC 4505, XEP-0175): anybody, under a name that the server makes; the trace is not used."""

from typing import Final

from xmppd.stream.sasl.exchange import Exchange, malformed
from xmppd.stream.sasl.steps import Step, Success

TRACE_CHARACTERS: Final = 255
"""RFC 4505 2."""


class Anonymous(Exchange):
    """One ANONYMOUS exchange: always Success, with no username."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("ANONYMOUS")

    def start(self, initial: bytes | None) -> Step:
        """No initial response means no trace: clients await success at once then (XEP-0175 4)."""
        return self.respond(initial or b"")

    def _read(self, text: str) -> Step:
        if len(text) > TRACE_CHARACTERS:
            malformed("trace too long")
        return Success(None)

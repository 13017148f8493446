"""What the mechanisms in which the client speaks first have in common (RFC 4422 3)."""

from enum import Enum, auto
from typing import NoReturn

from xmppd.stream.sasl.credentials import ScramKeys
from xmppd.stream.sasl.steps import MESSAGE_BYTES, Challenge, SaslError, Step


class Awaits(Enum):
    """Whose turn it is."""

    MESSAGE = auto()
    KEYS = auto()
    CHECK = auto()
    NOTHING = auto()


class Exchange:
    """One authentication in which the client speaks first; the state that every failure ends.

    While a message is judged, nothing is awaited: so what raises SaslError has left the exchange over,
    and no second guess is possible.
    """

    __slots__ = ("_awaits", "_message_bytes", "name")

    def __init__(self, name: str, message_bytes: int = MESSAGE_BYTES) -> None:
        """*message_bytes* is the longest message that is read."""
        self.name = name
        self._message_bytes = message_bytes
        self._awaits = Awaits.MESSAGE

    def start(self, initial: bytes | None) -> Step:
        """Read the initial response, or ask for one by an empty challenge (RFC 4422 3.3)."""
        return Challenge(b"") if initial is None else self.respond(initial)

    def respond(self, data: bytes) -> Step:
        """Read a message; SaslError malformed-request if none is expected, too long or not UTF-8."""
        if self._awaits is not Awaits.MESSAGE:
            malformed("not expected")
        self._take(Awaits.MESSAGE)
        if len(data) > self._message_bytes:
            malformed("too long")
        try:
            text = data.decode()
        except UnicodeDecodeError:
            malformed("not UTF-8")
        return self._read(text)

    def keys(self, keys: ScramKeys | None) -> Step:
        """Only after NeedKeys."""
        raise RuntimeError(f"{self.name} has not asked for keys")

    def checked(self, is_right: bool) -> Step:
        """Only after CheckPassword."""
        raise RuntimeError(f"{self.name} has not asked for a check")

    def token_checked(self, username: str | None) -> Step:
        """Only after CheckToken."""
        raise RuntimeError(f"{self.name} has not asked for a token to be checked")

    def _read(self, text: str) -> Step:
        """Judge a message."""
        raise NotImplementedError

    def _take(self, awaited: Awaits) -> None:
        """Note that what was awaited has come; RuntimeError for a driver that gives something else."""
        if self._awaits is not awaited:
            raise RuntimeError(f"{self.name} awaits {self._awaits.name}, not {awaited.name}")
        self._awaits = Awaits.NOTHING


def malformed(text: str) -> NoReturn:
    """Raise SaslError malformed-request."""
    raise SaslError("malformed-request", text)

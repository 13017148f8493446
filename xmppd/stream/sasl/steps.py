"""What a SASL mechanism and its driver say to each other (RFC 4422; RFC 6120 6).

The driver decodes what the client sent, gives it to the mechanism, and does what the returned step asks for.
A failure is raised as SaslError; the mechanism is over then, as it is after Success.
"""

from dataclasses import dataclass, field
from typing import Final, Protocol

from xmppd.stream.sasl import base64
from xmppd.stream.sasl.credentials import ScramKeys

MESSAGE_BYTES: Final = 4096
"""The longest SASL message that is read, but for the token in one."""

CONDITIONS: Final = frozenset(
    {
        "aborted",
        "account-disabled",
        "credentials-expired",
        "encryption-required",
        "incorrect-encoding",
        "invalid-authzid",
        "invalid-mechanism",
        "malformed-request",
        "mechanism-too-weak",
        "not-authorized",
        "temporary-auth-failure",
    }
)
"""RFC 6120 6.5."""


GUESSES: Final = frozenset(("not-authorized", "account-disabled"))
"""By these conditions a client hears that it has shown a wrong password, or none that is right any more."""


class SaslError(Exception):
    """The authentication failed; *condition* is the element of RFC 6120 6.5, *text* goes to the client."""

    def __init__(self, condition: str, text: str | None = None) -> None:
        if condition not in CONDITIONS:
            raise ValueError(f"no SASL error condition: {condition}")
        super().__init__(condition, text)
        self.condition = condition
        self.text = text

    @property
    def is_guess(self) -> bool:
        """Whether it counts against the address that it comes from."""
        return self.condition in GUESSES

    @property
    def is_trial(self) -> bool:
        """Whether nothing was tried but a way to authenticate: some clients go through all that they know."""
        return self.condition == "invalid-mechanism"


class BindingError(SaslError):
    """The exchange is not bound to this connection (RFC 5802 6). No password was tried, so it is no guess.

    Clients show not-authorized as a wrong password, hence another condition.
    """

    def __init__(self, text: str) -> None:
        super().__init__("malformed-request", text)

    @property
    def is_trial(self) -> bool:
        """Always: a client may go on to its next mechanism, or type of binding."""
        return True


@dataclass(frozen=True, slots=True)
class Challenge:
    """Send *data* as a challenge (an empty element if it is empty) and give the answer to `respond`."""

    data: bytes


@dataclass(frozen=True, slots=True)
class NeedKeys:
    """Fetch the stored keys of *username*, a prepared localpart, and give those for *hash_name* to `keys`.

    Give None for an account or a hash that is not there: the exchange goes on, and fails at its end.
    """

    username: str
    hash_name: str


@dataclass(frozen=True, slots=True)
class CheckPassword:
    """Tell `checked` whether *password*, by SASLprep, is that of *username*, a prepared localpart."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class CheckToken:
    """Tell `token_checked` whose *token* this is, a localpart, or None where it is no good."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NeedTokens:
    """Fetch the tokens of *username*, a prepared localpart, and give them to `HashedToken.tokens`; maybe none."""

    username: str


@dataclass(frozen=True, slots=True)
class Success:
    """The client is *username*, a prepared localpart, or anonymous if None; *data* goes along if not None.

    Whether the account may be used now (disabled, expired) is for the driver to see.
    """

    username: str | None
    data: bytes | None = None


Step = Challenge | NeedKeys | CheckPassword | CheckToken | NeedTokens | Success


class Mechanism(Protocol):
    """One authentication exchange. Nothing here waits; every method but `name` may raise SaslError."""

    @property
    def name(self) -> str:
        """The registered name of the mechanism."""

    def start(self, initial: bytes | None) -> Step:
        """Begin with the initial response; None if there was none, which is not the same as an empty one."""

    def respond(self, data: bytes) -> Step:
        """Go on with what the client sent."""

    def keys(self, keys: ScramKeys | None) -> Step:
        """Go on after NeedKeys."""

    def checked(self, is_right: bool) -> Step:
        """Go on after CheckPassword."""

    def token_checked(self, username: str | None) -> Step:
        """Go on after CheckToken."""


def encoded_bytes(token_bytes: int) -> int:
    """How long the base64 of a message is at most, with a token of so many bytes in it."""
    return (MESSAGE_BYTES + token_bytes) * 4 // 3 + 4


def decode_initial(text: str, token_bytes: int = 0) -> bytes | None:
    """The initial response in an <auth/> with this character data (RFC 6120 6.4.2); None if there is none."""
    return decode_payload(text, token_bytes) if text else None


def decode_payload(text: str, token_bytes: int = 0) -> bytes:
    """The message in a <response/> with this character data, where "=" is an empty one (RFC 6120 6.4.2).

    *token_bytes* is what a token in it may have. Raises SaslError: incorrect-encoding if it is not base64 to the
    letter, malformed-request if too long.
    """
    if len(text) > encoded_bytes(token_bytes):
        raise SaslError("malformed-request", "too long")
    if text == "=":
        return b""
    try:
        return base64.decode(text)
    except ValueError:
        raise SaslError("incorrect-encoding") from None

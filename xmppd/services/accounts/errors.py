"""Why something that was asked of an account cannot be."""


class AccountError(Exception):
    """What was asked of an account cannot be; nothing has changed."""


class AccountExists(AccountError):
    """There is an account of this name, or one is being made or removed right now."""


class NoSuchAccount(AccountError):
    """There is no account of this name."""


class InvalidName(AccountError):
    """No account can have this name; the text is the reason."""


class InvalidPassword(AccountError):
    """Nobody can have this password; the text is the reason."""


class AccountTombstoned(AccountError):
    """The name belonged to somebody else a short while ago.

    It is free again at `until` (seconds since 1970).
    """

    def __init__(self, until: float) -> None:
        super().__init__("the name was another account's, which was removed a short while ago")
        self.until = until


class AccountReserved(AccountError):
    """The name is kept for somebody who is invited (XEP-0401 4.2)."""

    def __init__(self) -> None:
        super().__init__("the name is kept for somebody who is invited")

"""PLAIN (RFC 4616): the password itself, so under TLS only unless the configuration says otherwise."""

from typing import Final

from xmppd.stream.sasl.exchange import Awaits, Exchange, malformed
from xmppd.stream.sasl.realm import Realm
from xmppd.stream.sasl.steps import CheckPassword, SaslError, Step, Success
from xmppd.stream.saslprep import saslprep

PART_BYTES: Final = 1023
"""The longest identity or password; RFC 4616 2 asks for 255 at least."""


class Plain(Exchange):
    """One PLAIN exchange: message, CheckPassword, Success."""

    __slots__ = ("_realm", "_username")

    def __init__(self, realm: Realm) -> None:
        super().__init__("PLAIN")
        self._realm = realm
        self._username = ""

    def checked(self, is_right: bool) -> Step:
        """Success, or SaslError not-authorized."""
        self._take(Awaits.CHECK)
        if not is_right:
            raise SaslError("not-authorized")
        return Success(self._username)

    def _read(self, text: str) -> Step:
        """RFC 4616 2: [authzid] NUL authcid NUL passwd."""
        parts = text.split("\0")
        if len(parts) != 3 or not parts[1] or not parts[2]:
            malformed("not [authzid] NUL authcid NUL passwd")
        if any(len(part.encode()) > PART_BYTES for part in parts):
            malformed("too long")
        authzid, authcid, password = parts
        self._username = self._realm.username(authcid)
        self._realm.check_authzid(authzid or None, self._username)
        prepared = _prepared(password)
        self._awaits = Awaits.CHECK
        return CheckPassword(self._username, prepared)


def _prepared(password: str) -> str:
    """RFC 4616 2: a password that SASLprep refuses, or leaves empty, is wrong."""
    try:
        prepared = saslprep(password, allow_unassigned=True)
    except ValueError:
        prepared = ""
    if not prepared:
        raise SaslError("not-authorized")
    return prepared

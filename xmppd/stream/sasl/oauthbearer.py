"""OAUTHBEARER: a bearer token of OAuth 2.0 (RFC 7628, RFC 6750), under TLS only.

Covered: the client's one message with its token (3.1), the server's error as JSON and the client's ``%x01`` behind it
(3.2.3). The host and port that a client may name are not looked at: the stream says which host is meant.
"""

import json
from collections.abc import Mapping
from typing import Final

from xmppd.stream.sasl.exchange import Awaits, Exchange, malformed
from xmppd.stream.sasl.realm import Realm
from xmppd.stream.sasl.steps import MESSAGE_BYTES, Challenge, CheckToken, SaslError, Step, Success

NAME: Final = "OAUTHBEARER"
SEPARATOR: Final = "\x01"
SCHEME: Final = "bearer "


class OAuthBearer(Exchange):
    """One exchange: message, CheckToken, Success; or the error, its acknowledgement and not-authorized."""

    __slots__ = ("_authzid", "_has_failed", "_hints", "_realm")

    def __init__(self, realm: Realm, hints: Mapping[str, str], token_bytes: int = 0) -> None:
        """*hints* are told to who shows no good token: ``openid-configuration``, ``scope``.

        A token may have *token_bytes* more than any other message.
        """
        super().__init__(NAME, MESSAGE_BYTES + token_bytes)
        self._realm = realm
        self._hints = dict(hints)
        self._authzid: str | None = None
        self._has_failed = False

    def token_checked(self, username: str | None) -> Step:
        """Whose the token is, a localpart; None where it is no good."""
        self._take(Awaits.CHECK)
        if username is not None:
            try:
                prepared = self._realm.username(username)
            except SaslError:
                prepared = ""
            if prepared:
                self._realm.check_authzid(self._authzid, prepared)
                return Success(prepared)
        self._has_failed = True
        self._awaits = Awaits.MESSAGE
        return Challenge(json.dumps({"status": "invalid_token", **self._hints}).encode())

    def _read(self, text: str) -> Step:
        if self._has_failed:  # whatever it says: RFC 7628 3.2.3 has it say %x01
            raise SaslError("not-authorized")
        header, separator, rest = text.partition(SEPARATOR)
        if not separator or not rest.endswith(SEPARATOR * 2):
            malformed("not a GS2 header and fields between 0x01")
        self._authzid = _authzid(header)
        self._awaits = Awaits.CHECK
        return CheckToken(_token(rest))


def _authzid(header: str) -> str | None:
    """RFC 5801 4: ``n,a=JID,``; no channel binding is possible."""
    flag, _, rest = header.partition(",")
    identity, comma, nothing = rest.partition(",")
    if flag not in ("n", "y") or not comma or nothing or (identity and not identity.startswith("a=")):
        malformed("the GS2 header is none")
    return identity[2:].replace("=2C", ",").replace("=3D", "=") or None


def _token(fields: str) -> str:
    pairs = dict(field.partition("=")[::2] for field in fields.split(SEPARATOR) if field)
    auth = pairs.get("auth", "")
    if not auth.lower().startswith(SCHEME) or not auth[len(SCHEME) :].strip():
        malformed("no bearer token")
    return auth[len(SCHEME) :].strip()

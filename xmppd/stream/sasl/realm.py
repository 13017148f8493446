"""Whose name a client gives: user names and authorization identities of one host (RFC 6120 6.3.7, 6.3.8)."""

from collections.abc import Callable
from dataclasses import dataclass

from xmppd.stream.sasl.steps import SaslError
from xmppd.stream.saslprep import saslprep


@dataclass(frozen=True, slots=True)
class Realm:
    """The accounts of *host*, a prepared domainpart.

    *prepare* gives the prepared text of a JID, its resourcepart included, or raises ValueError.
    """

    host: str
    prepare: Callable[[str], str]

    def username(self, text: str) -> str:
        """The prepared localpart that a client means; SaslError not-authorized if there can be none such."""
        try:
            jid = self._account(saslprep(text, allow_unassigned=True))
        except ValueError:
            jid = None
        if jid is None:
            raise SaslError("not-authorized")
        return jid.removesuffix(f"@{self.host}")

    def check_authzid(self, authzid: str | None, username: str) -> None:
        """None, the user's name or bare JID are fine; anything else is SaslError invalid-authzid."""
        if authzid is not None and self.authorized(authzid) != f"{username}@{self.host}":
            raise SaslError("invalid-authzid")

    def authorized(self, authzid: str) -> str | None:
        """The prepared bare JID of our account that *authzid* names; None if it names none."""
        try:
            if "@" not in authzid:
                return self._account(authzid)
            jid = self.prepare(authzid)
        except ValueError:
            return None
        return jid if self._is_account(jid) else None

    def _account(self, localpart: str) -> str | None:
        if "@" in localpart or "/" in localpart:  # would make another address of what follows
            return None
        jid = self.prepare(f"{localpart}@{self.host}")
        return jid if self._is_account(jid) else None

    def _is_account(self, jid: str) -> bool:
        localpart, _, host = jid.partition("@")
        return bool(localpart) and "/" not in localpart and host == self.host

"""EXTERNAL (RFC 4422 A, XEP-0178 1.2 2): the account that the client's TLS certificate names."""

from collections.abc import Iterable

from xmppd.stream.sasl.exchange import Exchange, malformed
from xmppd.stream.sasl.realm import Realm
from xmppd.stream.sasl.steps import SaslError, Step, Success


class External(Exchange):
    """One EXTERNAL exchange. *certified* are the bare JIDs in the certificate; only ours are looked at."""

    __slots__ = ("_certified", "_realm")

    def __init__(self, realm: Realm, certified: Iterable[str]) -> None:
        super().__init__("EXTERNAL")
        self._realm = realm
        self._certified = ours(realm, certified)

    def _read(self, text: str) -> Step:
        """XEP-0178 2: no authzid if the certificate names one account, else the one that is meant."""
        if "\0" in text:
            malformed("NUL in authzid")
        jid = self._realm.authorized(text) if text else self._only()
        if jid not in self._certified:
            raise SaslError("invalid-authzid")
        return Success(jid.removesuffix(f"@{self._realm.host}"))

    def _only(self) -> str | None:
        return next(iter(self._certified)) if len(self._certified) == 1 else None


def ours(realm: Realm, certified: Iterable[str]) -> frozenset[str]:
    """Those of the bare JIDs that are accounts of the realm."""
    return frozenset(jid for jid in certified if realm.authorized(jid) == jid)

"""Who asks by HTTP: the address of an account and its password, by Basic authentication (RFC 7617). No XML.

The password is checked as that of a client that logs in by SASL PLAIN, wherever the accounts are known: an unknown user
takes as long as a known one, failures slow down the address that they come from, nobody is locked out, and an account
that is disabled or has changed meanwhile is refused. It is looked at only where nobody on the way can read it.
"""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable
from typing import Final

from xmppd.core.host import Hosts
from xmppd.core.http import HttpError, HttpRequest
from xmppd.core.rate_limit import RateLimit
from xmppd.core.waiting import deferred
from xmppd.services.login.authentication import Authentication, Circumstances
from xmppd.stanza.jid import JID, InvalidJID
from xmppd.stream.sasl.steps import SaslError

SCHEME: Final = "basic"
CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="XMPP account", charset="UTF-8"'}
HEADER_CHARS: Final = 4_096
WINDOW_S: Final = 60.0
IN_WINDOW: Final = 120
"""So many requests of an account are let in within that time: each costs the derivation of a key. Who does not know
the password uses none of them up."""
_TOO_MANY: Final = {"Retry-After": str(int(WINDOW_S))}


class BasicLogin:
    """Finds out whose a request is."""

    def __init__(self, authentication: Authentication, hosts: Hosts, now: Callable[[], float]) -> None:
        """*now* is any clock in seconds."""
        self._authentication = authentication
        self._hosts = hosts
        self._asked = RateLimit(now, lambda: WINDOW_S)

    @deferred
    async def account(self, request: HttpRequest) -> JID:
        """Give the bare JID of the account whose password *request* shows. Waits for the check and for delays.

        Fails with `HttpError`: 401 where no good password is shown, 403 without TLS, for an account that is disabled,
        and where a domain takes no passwords; 429 for too many of an account, 503 where it cannot be looked up now.
        """
        if not request.is_secure:
            raise HttpError(403, "Passwords are taken by HTTPS only.")
        jid, password = _shown(request.headers.get("authorization", ""))
        if self._asked.times(jid.bare) >= IN_WINDOW:
            raise HttpError(429, headers=_TOO_MANY)
        try:
            await self._check(jid, password, request.client)
        except SaslError as error:
            raise _refusal(error) from None
        self._asked.count(jid.bare)
        return jid

    async def _check(self, jid: JID, password: str, peer: str) -> None:
        host = self._hosts.with_accounts(jid.domainpart)
        if host is None:
            raise SaslError("not-authorized")
        given = Circumstances(host, peer, True, False, {}, ())
        exchange = self._authentication.begin("PLAIN", given)
        await exchange.start(f"\0{jid.localpart}\0{password}".encode())


def _shown(header: str) -> tuple[JID, str]:
    """Read the header (RFC 7617 2, RFC 9110 11.6.2); `HttpError` 401 for what is none, or no address of an account."""
    scheme, _, encoded = header.partition(" ")
    try:
        if scheme.lower() != SCHEME or len(header) > HEADER_CHARS:
            raise ValueError
        user, mark, password = b64decode(encoded.strip(), validate=True).decode().partition(":")
        jid = JID.parse(user)
    except (ValueError, NotBase64, InvalidJID):
        raise _unknown() from None
    if not mark or jid.localpart is None or jid.resourcepart is not None:
        raise _unknown()
    return jid, password


def _refusal(error: SaslError) -> HttpError:
    if error.condition == "account-disabled":
        return HttpError(403, "This account is disabled.")
    if error.condition == "invalid-mechanism":
        return HttpError(403, "The accounts of this domain have no passwords.")
    if error.condition == "temporary-auth-failure":
        return HttpError(503, error.text or "")
    return _unknown()


def _unknown() -> HttpError:
    return HttpError(401, "The address of an account and its password are needed.", CHALLENGE)

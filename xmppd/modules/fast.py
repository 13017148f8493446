"""FAST: XEP-0484 0.2.0, logins by a token in one round trip. The rules of tokens are in `xmppd.services.login.fast`.

Not offered: ``tls-0rtt``. A counter that a client sends all the same is heeded.
"""

from typing import Annotated, Final

from xmppd.config.fields import Field
from xmppd.core.module import XEP, Module, Options, on
from xmppd.core.waiting import deferred
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.login.authentication import Authentication
from xmppd.services.login.client_records import Token, client_id
from xmppd.services.login.fast import Attempt, Fast, Policy
from xmppd.services.login.login import (
    AUTHENTICATING,
    GATHERING,
    ISSUING,
    LOGIN_BEGINNING,
    LOGIN_SUCCEEDED,
    OFFERING,
    Exchange,
    Login,
    Offer,
)
from xmppd.stanza.element import Element
from xmppd.stanza.stamps import stamp_of
from xmppd.stream.sasl.ht import HT_MECHANISMS, ht_offer
from xmppd.stream.sasl.steps import SaslError

NS: Final = "urn:xmpp:fast:0"
BOOLEANS: Final = {"1": True, "true": True, "0": False, "false": False}
MAX_COUNT: Final = 2**31 - 1
DAY_S: Final = 86_400.0
Days = Annotated[float, Field(gt=0, le=3_650)]


class FastOptions(Options):
    """How long tokens hold."""

    lifetime_days: Days = 21.0
    """A token ends so long after it was given; a client that stays away longer needs its password."""
    rotate_days: Days = 7.0
    """A client whose token is older is given another at its next login."""


class FastModule(Module):
    """Gives tokens to clients that ask for one, and lets them in by it."""

    name = "fast"
    summary = "Fast Authentication Streamlining Tokens"
    xep = XEP(484, "0.2.0", "no TLS 0-RTT")
    options = FastOptions
    uses = (Fast, Accounts, Authentication)
    opt: FastOptions

    def start(self) -> None:
        """Find the services."""
        self._fast = self.api.services[Fast]
        self._accounts = self.api.services[Accounts]
        self._policy = Policy(self.opt.lifetime_days * DAY_S, self.opt.rotate_days * DAY_S)

    @on(OFFERING, GATHERING)
    def on_offering(self, offer: Offer) -> None:
        """Say which mechanisms take tokens (3.1); nobody has any where accounts do not last."""
        if self.api.host.settings.auth != "anonymous":
            names = [Element("mechanism", NS, children=[name]) for name in ht_offer(offer.bindings)]
            offer.inline.append(Element("fast", NS, children=[*names]))

    @on(LOGIN_BEGINNING, AUTHENTICATING)
    def on_beginning(self, login: Login) -> Exchange | None:
        """Take a login by a token (3.4); refuse what is malformed."""
        wanted = login.request.child("request-token", NS)
        if wanted is not None and (not wanted.get("mechanism") or not login.agent.id):
            raise SaslError("malformed-request", "A token is for a mechanism and the id of a user agent")
        fast = login.request.child("fast", NS)
        if fast is None:
            return None
        if login.mechanism not in HT_MECHANISMS:
            raise SaslError("invalid-mechanism", "A token is for one of FAST's mechanisms")
        if not login.agent.id:
            raise SaslError("malformed-request", "A token is for the id of a user agent")
        _flag(fast, "invalidate")
        attempt = self._fast.attempt(client_id(login.agent.id), login.mechanism, _count(fast))
        login.token, login.is_by_token = attempt, True
        return self.api.services[Authentication].begin_with_token(login.mechanism, login.given, attempt)

    @on(LOGIN_SUCCEEDED, ISSUING)
    def on_succeeded(self, login: Login) -> object:
        """Give a token to who asks for one, or whose own is due to be followed (3.3, 3.5); take one back (3.6)."""
        if login.session.is_ended:
            return None
        wanted = login.request.child("request-token", NS)
        attempt: Attempt | None = login.token
        used = attempt.token if attempt is not None else None
        fast = login.request.child("fast", NS)
        is_invalid = fast is not None and _flag(fast, "invalidate")
        mechanism = wanted.get("mechanism") if wanted is not None else None
        if (
            mechanism is None
            and used is not None
            and not is_invalid
            and self._fast.is_due(used, self._policy)
        ):
            mechanism = used.mechanism
        is_given = mechanism in ht_offer(login.given.channel_bindings) and self._accounts.exists(
            login.bare_jid
        )
        if not is_given and not is_invalid:
            return None
        return self._settle(login, used if is_invalid else None, mechanism if is_given else None)

    @deferred
    async def _settle(self, login: Login, old: Token | None, mechanism: str | None) -> None:
        owner, id = login.bare_jid, client_id(login.agent.id)
        if old is not None:
            await self._fast.invalidate(owner, id, old)
        if mechanism is not None:
            token = await self._fast.issue(owner, id, mechanism, self._policy)
            attrs = {"token": token.secret, "expiry": stamp_of(token.expires_at)}
            login.results.append(Element("token", NS, attrs))


def _flag(fast: Element, name: str) -> bool:
    value = BOOLEANS.get(fast.get(name) or "0")
    if value is None:
        raise SaslError("malformed-request", f"{name} is true or false")
    return value


def _count(fast: Element) -> int | None:
    """3.4: a positive integer, or nothing."""
    text = fast.get("count")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:20]) <= MAX_COUNT:
        raise SaslError("malformed-request", "count is a positive integer")
    return int(text)

"""Who a client is: drives a SASL mechanism with the accounts' credentials (RFC 4422, RFC 6120 6). No XML."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from xmppd.config.elsewhere import OAuth
from xmppd.core.directory import AccountMark
from xmppd.core.host import Host
from xmppd.core.waiting import deferred
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.login.delays import LoginDelays
from xmppd.services.login.elsewhere import AuthElsewhere
from xmppd.stanza.jid import JID, prepare_localpart
from xmppd.storage.interface import StorageError
from xmppd.stream.sasl.ht import HashedToken
from xmppd.stream.sasl.mechanisms import SaslContext, make, offer
from xmppd.stream.sasl.realm import Realm
from xmppd.stream.sasl.scram import Decoys, downgrade_text
from xmppd.stream.sasl.steps import (
    Challenge,
    CheckPassword,
    CheckToken,
    Mechanism,
    NeedKeys,
    NeedTokens,
    SaslError,
    Step,
    Success,
)

ANONYMOUS_BYTES = 16
"""Randomness in the name of an anonymous user (XEP-0175)."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the offer of mechanisms depends on."""

    host: Host
    peer: str
    is_secure: bool
    is_refused: bool
    """Whether nothing may be offered because TLS is required first."""
    channel_bindings: Mapping[str, bytes]
    client_jids: tuple[str, ...]


class Delay(Protocol):
    """How to wait."""

    def __call__(self, seconds: float) -> Deferred[None]:
        """Fire after so many seconds."""


class Tokens(Protocol):
    """Where the tokens of one client come from (XEP-0484)."""

    def candidates(self, jid: JID) -> Deferred[Sequence[str]]:
        """Give the tokens that the client may have; none for a user who is not there."""

    def refused(self) -> Deferred[None]:
        """None of them was proved: wait as long as for a user who is not there."""

    def used(self, index: int) -> Deferred[None]:
        """One of them was proved: settle what follows, or refuse it after all by `SaslError`."""


class Authentication:
    """Offers mechanisms and runs exchanges; failed attempts are throttled by address."""

    def __init__(
        self,
        accounts: Accounts,
        delays: LoginDelays,
        delay: Delay,
        decoys: Decoys,
        random_text: Callable[[int], str],
        elsewhere: AuthElsewhere,
    ):
        """*decoys* are for unknown users; their secret should outlive a restart, so that they are stable."""
        self.accounts = accounts
        self.elsewhere = elsewhere
        self.delays = delays
        self.delay = delay
        self.decoys = decoys
        self.random_text = random_text
        self.logins: Counter[tuple[str, str]] = Counter()
        self.failures: Counter[tuple[str, str]] = Counter()
        """Exchanges since the start, by host and mechanism."""

    @property
    def account_mark(self) -> AccountMark:
        """The latest change of any account; one that changes after an exchange has begun lets nobody in by it."""
        return self.accounts.changes.mark

    def offer(self, given: Circumstances) -> list[str]:
        """Give the names of the mechanisms to offer, the strongest first; empty where TLS is missing."""
        return [] if given.is_refused else offer(self._context(given))

    def begin(self, name: str, given: Circumstances, announced: Sequence[str] | None = None) -> "Exchange":
        """Begin an exchange with a mechanism; `SaslError` where it is not offered.

        *announced* are the mechanisms that the client was told of, so that it can see whether somebody on the way has
        changed them, or the channel-binding types (XEP-0474).
        """
        if given.is_refused:
            raise SaslError("encryption-required")
        downgrade = None
        if announced is not None:
            downgrade = downgrade_text(announced, given.channel_bindings or None)
        return Exchange(self, make(name, self._context(given, downgrade)), given)

    def begin_with_token(self, name: str, given: Circumstances, tokens: Tokens) -> "Exchange":
        """Begin an exchange with a token (XEP-0484); `SaslError` where the mechanism is none, or lacks its data."""
        if given.is_refused:
            raise SaslError("encryption-required")
        realm = Realm(given.host.name, _prepare)
        return Exchange(self, HashedToken(name, realm, given.channel_bindings), given, tokens)

    def check_account(self, jid: JID, mark: AccountMark) -> None:
        """Refuse an account that has gone, has changed since *mark*, or is disabled: `SaslError`."""
        accounts = self.accounts
        if not accounts.exists(jid.bare) or accounts.changes.is_changed_since(jid.bare, mark):
            raise SaslError("not-authorized")
        if accounts.is_disabled(jid.bare):
            raise SaslError("account-disabled")

    def _context(self, given: Circumstances, downgrade: str | None = None) -> SaslContext:
        settings = given.host.settings
        is_elsewhere, oauth = settings.asked_elsewhere is not None, settings.auth_oauth
        return SaslContext(
            host=given.host.name,
            prepare=_prepare,
            decoy_secret=self.decoys.secret,
            decoy_iterations=self.decoys.iterations,
            is_tls=given.is_secure,
            allow_plain_without_tls=settings.c2s.allow_plain_without_tls,
            is_anonymous=settings.auth == "anonymous",
            takes_tokens=settings.auth == "oauth",
            token_bytes=settings.token_bytes,
            token_hints={} if oauth is None else _hints(oauth),
            hashes=() if is_elsewhere else self.accounts.hashes(given.host.name),
            channel_bindings=given.channel_bindings,
            certified=given.client_jids,
            downgrade=downgrade,
        )


class Exchange:
    """One authentication exchange, from the mechanism's name to success or failure."""

    _log = Logger()

    def __init__(
        self,
        service: Authentication,
        mechanism: Mechanism | HashedToken,
        given: Circumstances,
        tokens: Tokens | None = None,
    ):
        self._service = service
        self._mechanism = mechanism
        self._given = given
        self._tokens = tokens
        self._account_mark = service.account_mark
        self._key = (given.host.name, mechanism.name)

    @deferred
    async def start(self, initial: bytes | None) -> bytes | Success:
        """Take the client's initial response, None where there is none; give a challenge or the success.

        Waits for stored keys. Raises `SaslError`: a failure of credentials is counted and may be delayed, one of our
        own is temporary-auth-failure (RFC 6120 6.5.11).
        """
        return await self._run(lambda: self._mechanism.start(initial))

    @deferred
    async def respond(self, data: bytes) -> bytes | Success:
        """Take the client's next response; as `start`."""
        return await self._run(lambda: self._mechanism.respond(data))

    async def _run(self, first: Callable[[], Step]) -> bytes | Success:
        try:
            step = first()
            while not isinstance(step, Challenge | Success):
                step = await self._help(step)
            if isinstance(step, Challenge):
                return step.data
            success = await self._admit(step)
        except SaslError as error:
            self._service.failures[self._key] += 1
            await self._refused(error)
            raise
        except StorageError as error:
            self._log.failure("Whether a client is who it says could not be looked up")
            raise SaslError("temporary-auth-failure", "The server cannot look this up now") from error
        self._service.logins[self._key] += 1
        await self._wait(self._service.delays.succeeded(self._given.peer))
        return success

    async def _help(self, step: NeedKeys | CheckPassword | CheckToken | NeedTokens) -> Step:
        """Fetch what the mechanism asks for; an unknown user looks like a known one with another password."""
        service, mechanism, host = self._service, self._mechanism, self._given.host
        if isinstance(step, CheckToken):
            assert not isinstance(mechanism, HashedToken), "those tokens are our own"
            return mechanism.token_checked(
                await service.elsewhere.whose(host.name, step.token, prepare_localpart)
            )
        accounts, jid = service.accounts, self._jid(step.username)
        if isinstance(mechanism, HashedToken):
            return await self._try_tokens(mechanism, jid)
        if isinstance(step, CheckPassword):
            check = accounts.check if host.settings.asked_elsewhere is None else service.elsewhere.is_right
            return mechanism.checked(await check(jid, step.password))
        assert isinstance(step, NeedKeys), "only a token exchange asks for tokens"
        credentials = await accounts.credentials(jid, step.hash_name)
        return mechanism.keys(None if credentials is None else credentials.get(step.hash_name))

    async def _try_tokens(self, mechanism: HashedToken, jid: JID) -> Success:
        assert self._tokens is not None, "who begins a token exchange gives the tokens"
        candidates = await self._tokens.candidates(jid)
        try:
            success = mechanism.tokens(candidates)
        except SaslError:
            await self._tokens.refused()
            raise
        await self._tokens.used(mechanism.used)
        return success

    async def _admit(self, success: Success) -> Success:
        """Name an anonymous user (XEP-0175); refuse who has gone, changed or is disabled, though all was right."""
        if success.username is None:
            return Success(self._service.random_text(ANONYMOUS_BYTES).lower(), success.data)
        self._service.check_account(self._jid(success.username), self._account_mark)
        return success

    async def _refused(self, error: SaslError) -> None:
        self._log.info(
            "Authentication failed at {host} by {mechanism}: {condition}",
            host=self._given.host.name,
            mechanism=self._mechanism.name,
            condition=error.condition,
            peer=self._given.peer,
        )
        if error.is_guess:
            await self._wait(self._service.delays.failed(self._given.peer))

    async def _wait(self, seconds: float) -> None:
        if seconds:
            await self._service.delay(seconds)

    def _jid(self, username: str) -> JID:
        return JID(username, self._given.host.name, None)


def _hints(oauth: OAuth) -> dict[str, str]:
    """What a client may do about a token that is no good (RFC 7628 3.2.2)."""
    told = {"scope": oauth.scope, "openid-configuration": oauth.discovery_url}
    return {name: value for name, value in told.items() if value}


def _prepare(text: str) -> str:
    return JID.parse(text).full

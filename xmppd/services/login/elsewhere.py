"""Authentication elsewhere: a directory, a program or an authorization server says who a client is.

Rules that live here: what was right is remembered for a while, by a hash that means nothing outside this process; what
was wrong is not. So many are asked about at a time. Who cannot be asked is left alone, twice as long each time, and
clients hear temporary-auth-failure at once meanwhile. Who has come in the first time has an account from then on, whose
password nobody knows: rosters, archives and all else are kept here.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.logger import Logger

from xmppd.config.elsewhere import Elsewhere
from xmppd.core.bounded import Bounded
from xmppd.core.elsewhere import Backend, Unavailable
from xmppd.core.environment import Environment, InThread
from xmppd.core.host import Hosts
from xmppd.core.waiting import deferred
from xmppd.services.accounts.accounts import AccountError, AccountExists, Accounts
from xmppd.stanza.jid import JID
from xmppd.stream.sasl.steps import SaslError

REMEMBERED: Final = 10_000
BACK_OFF_S: Final = 1.0
LONGEST_BACK_OFF_S: Final = 60.0
SECRET_BYTES: Final = 32


class Asked:
    """One backend, with what is remembered of it."""

    _log = Logger()

    def __init__(
        self,
        host: str,
        settings: Elsewhere,
        backend: Backend,
        in_thread: InThread,
        seconds: Callable[[], float],
        secret: bytes,
    ) -> None:
        """*seconds* is any clock; *secret* is unknown outside this process."""
        self._host = host
        self._settings = settings
        self._backend = backend
        self._in_thread = in_thread
        self._seconds = seconds
        self._secret = secret[:SECRET_BYTES]
        self._places = DeferredSemaphore(settings.at_a_time)
        self._known: Bounded[bytes, tuple[str, float]] = Bounded(REMEMBERED)
        self._failures = 0
        self._rests_until = 0.0

    @deferred
    async def is_right(self, user: str, password: str) -> bool:
        """Whether this is the password of *user*, a localpart. Waits; `Unavailable`."""
        key = self._key(user, password)
        if self._remembered(key) is not None:
            return True
        is_right = bool(await self._ask(self._backend.is_right, user, self._host, password))
        if is_right:
            self._remember(key, user)
        return is_right

    @deferred
    async def whose(self, token: str) -> str | None:
        """Whose token this is, a localpart; None where it is no good, or of another host. Waits; `Unavailable`."""
        key = self._key("", token)
        name = self._remembered(key)
        if name is None:
            found = await self._ask(self._backend.whose, token)
            if not isinstance(found, str):
                return None
            name, _, host = found.partition("@")
            if not name or host not in ("", self._host):
                return None
            self._remember(key, name)
        return name

    async def _ask(self, ask: Callable[..., object], *arguments: str) -> object:
        now = self._seconds()
        if now < self._rests_until:
            raise Unavailable("it could not be asked just now")
        await self._places.acquire()
        try:
            answer: object = await self._in_thread(ask, *arguments)
        except Unavailable as error:
            self._rest(error)
            raise
        finally:
            self._places.release()
        self._failures = 0
        return answer

    def _rest(self, error: Unavailable) -> None:
        pause = min(BACK_OFF_S * 2**self._failures, LONGEST_BACK_OFF_S)
        self._failures = min(self._failures + 1, 16)
        self._rests_until = self._seconds() + pause
        self._log.warn(
            "Who the clients of {host} are cannot be asked: {error}; next in {pause:.0f} s",
            host=self._host,
            error=str(error),
            pause=pause,
        )

    def _key(self, user: str, secret: str) -> bytes:
        return blake2b(f"{user}\0{secret}".encode(), key=self._secret).digest()

    def _remembered(self, key: bytes) -> str | None:
        known = self._known.get(key)
        if known is None or known[1] <= self._seconds():
            return None
        return known[0]

    def _remember(self, key: bytes, name: str) -> None:
        if self._settings.cache_s:
            self._known.keep(key, (name, self._seconds() + self._settings.cache_s))


class AuthElsewhere:
    """Who is asked about the clients of each host that asks elsewhere."""

    def __init__(
        self,
        hosts: Hosts,
        accounts: Accounts,
        environment: Environment,
    ):
        self._accounts = accounts
        self._random_text = environment.random_text
        self._asked: dict[str, Asked] = {}
        seconds = environment.steady or environment.clock.seconds
        for host in hosts.of_accounts:
            settings = host.settings.asked_elsewhere
            backend = environment.backends(host.settings)
            if settings is not None and backend is not None:
                secret = environment.random_text(SECRET_BYTES).encode()
                self._asked[host.name] = Asked(
                    host.name, settings, backend, environment.in_thread, seconds, secret
                )

    @deferred
    async def is_right(self, jid: JID, password: str) -> bool:
        """Whether this is the password of the account *jid*; makes the account where it is the first time.

        Waits; `SaslError` temporary-auth-failure where nobody can say.
        """
        is_right = await self._answer(
            jid.domainpart, lambda asked: asked.is_right(jid.localpart or "", password)
        )
        if is_right:
            await self._welcome(jid)
        return bool(is_right)

    @deferred
    async def whose(self, host: str, token: str, prepare: Callable[[str], str]) -> str | None:
        """Whose this token is, a prepared localpart; None where it is no good. As `is_right`."""
        name = await self._answer(host, lambda asked: asked.whose(token))
        if not isinstance(name, str):
            return None
        try:
            jid = JID(prepare(name), host, None)
        except ValueError:
            return None
        await self._welcome(jid)
        return jid.localpart

    async def _answer(self, host: str, ask: Callable[[Asked], Deferred[Any]]) -> object:
        asked = self._asked.get(host)
        if asked is None:
            raise SaslError("temporary-auth-failure", "Nobody can be asked")
        try:
            answer: object = await ask(asked)
        except Unavailable as error:
            raise SaslError("temporary-auth-failure", "Who you are cannot be asked now") from error
        return answer

    async def _welcome(self, jid: JID) -> None:
        """Who comes the first time has an account from now on; its password is known to nobody."""
        if self._accounts.exists(jid.bare):
            return
        try:
            await self._accounts.create(jid, self._random_text(SECRET_BYTES))
        except AccountExists:
            return  # another client was quicker
        except AccountError as error:
            raise SaslError("not-authorized", str(error)) from error

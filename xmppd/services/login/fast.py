"""Tokens for quick logins: XEP-0484 0.2.0, without XML.

Rules that live here:

- a token belongs to one client of one account and to one mechanism; with any other it proves nothing;
- a client has at most two: the one it uses, and one that it was given and has not used yet; the first use of the latter
  ends the former (5.1);
- one that has expired ends the attempt with credentials-expired, and is gone;
- a wrong token costs one read, whether there is an account or not, and whether it is in memory;
- where a client counts its logins, a counter that does not grow is refused (3.4): the login may be a replay;
- a token is stored before the client learns it; one that is older than `Policy.rotate_s` is followed by another (3.5).
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from twisted.logger import Logger

from xmppd.core.waiting import deferred
from xmppd.services.login.client_records import ClientRecord, Token
from xmppd.services.login.clients import Clients
from xmppd.stanza.jid import JID
from xmppd.stream.sasl.steps import SaslError

TOKEN_BYTES: Final = 32
"""256 random bits."""
PREFIX: Final = "secret-token:fast-"
"""RFC 8959: what leaks can be recognised."""


class Policy(NamedTuple):
    """How long tokens hold, and after which time a client is given another."""

    lifetime_s: float
    rotate_s: float


class Attempt:
    """One login by a token: the `Tokens` of an authentication exchange."""

    __slots__ = ("_fast", "_id", "_is_read", "_record", "_slots", "count", "mechanism", "owner", "token")

    def __init__(self, fast: "Fast", id: str, mechanism: str, count: int | None):
        """*id* is the client's name, *count* its counter, if it counts."""
        self.owner = ""
        self.mechanism = mechanism
        self.count = count
        self.token: Token | None = None
        """The token that was used."""
        self._fast = fast
        self._id = id
        self._is_read = False
        self._record: ClientRecord | None = None
        self._slots: list[Token] = []

    @deferred
    async def candidates(self, jid: JID) -> Sequence[str]:
        """Give the client's tokens for this mechanism, the newer one first. Waits for the storage."""
        self.owner = jid.bare
        self._is_read = not self._fast.clients.is_in_memory(jid.bare)
        self._record = (await self._fast.clients.of(jid.bare)).get(self._id)
        if self._record is not None:
            self._slots = [token for token in self._record.tokens if token.mechanism == self.mechanism]
        return [token.secret for token in self._slots]

    @deferred
    async def refused(self) -> None:
        """Nothing was proved. What is in memory shows whether there is an account: wait as for what has to be read."""
        if not self._is_read:
            await self._fast.clients.read(self.owner)

    @deferred
    async def used(self, index: int) -> None:
        """The client has shown a token: refuse what is expired or may be a replay. Waits for a commit if one is due."""
        record = self._record
        assert record is not None, "there are tokens"
        self.token = await self._fast.use(self.owner, record, self._slots[index], self.count)


class Fast:
    """Gives tokens to clients, and takes them."""

    _log = Logger()

    def __init__(self, clients: Clients, now: Callable[[], float], random_text: Callable[[int], str]):
        """*now* is wall time in seconds since 1970; *random_text* gives so many unguessable bytes as text."""
        self.clients = clients
        self._now = now
        self._random_text = random_text

    async def use(self, owner: str, record: ClientRecord, token: Token, count: int | None) -> Token:
        """Settle that *token* was shown. Raises `SaslError`; what is to be remembered is committed first."""
        if token.expires_at <= self._now():
            _drop(record, token)
            await self.clients.save(owner, record)
            raise SaslError("credentials-expired")
        is_changed = count is not None
        if count is not None:
            if count <= token.count:
                self._log.warn("A counter of {user} did not grow: a replayed login?", user=owner)
                raise SaslError("not-authorized", "This login was used already")
            token.count = count
        if token is record.new:
            is_changed = is_changed or record.current is not None  # nobody loses anything else by it
            record.current, record.new = token, None
        if is_changed:
            await self.clients.save(owner, record)
        return token

    def is_due(self, token: Token, policy: Policy) -> bool:
        """Whether a client that has used *token* is to be given another."""
        return self._now() - token.issued_at >= policy.rotate_s

    @deferred
    async def issue(self, owner: str, id: str, mechanism: str, policy: Policy) -> Token:
        """Give a client a new token; one that it was given before and has not used is none any more.

        Waits for the commit; on `StorageError` there is none.
        """
        record = await self.clients.record(owner, id)
        now = self._now()
        token = Token(PREFIX + self._random_text(TOKEN_BYTES), mechanism, now, now + policy.lifetime_s)
        record.new = token
        await self.clients.save(owner, record)
        return token

    @deferred
    async def invalidate(self, owner: str, id: str, token: Token) -> None:
        """A client wants its token to be none any more (3.6). Waits for the commit."""
        record = (await self.clients.of(owner)).get(id)
        if record is not None:
            _drop(record, token)
            await self.clients.save(owner, record)

    def attempt(self, id: str, mechanism: str, count: int | None) -> Attempt:
        """Begin a login by a token of the client called *id*."""
        return Attempt(self, id, mechanism, count)


def _drop(record: ClientRecord, token: Token) -> None:
    if record.new is token:
        record.new = None
    if record.current is token:
        record.current = None

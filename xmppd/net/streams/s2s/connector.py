"""Finds another server, and makes a stream to it: target by target, until one answers as it should."""

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import Any, Final

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger

from xmppd.core.outgoing import CannotConnect, CannotResolve, Dial, Resolver
from xmppd.core.session import Connection
from xmppd.core.waiting import deferred
from xmppd.net.streams.s2s.dialling import Race, interleaved
from xmppd.net.streams.s2s.initiated import InitiatedStream
from xmppd.net.streams.s2s.outgoing import OutgoingStream
from xmppd.net.streams.s2s.parts import S2SParts
from xmppd.net.streams.s2s.records import pinned_at
from xmppd.net.streams.s2s.targets import Target, may_go_to, targets_of
from xmppd.net.streams.s2s.verifying import VerifyingStream
from xmppd.net.streams.s2s.wire import Connections, S2SProtocol
from xmppd.net.tls.dane import Pinned
from xmppd.services.federation.outbound import Carrier, Failed, Sender, Unreachable
from xmppd.stream.dialback import Dialback

VERIFICATIONS: Final = 500
"""Dialback keys that are asked about at a time: strangers can have as many asked about as they like."""
ADDRESSES: Final = 8
"""Addresses of one target that are tried."""
NOT_FOUND: Final = "remote-server-not-found"
MakeStream = Callable[..., InitiatedStream]


class Connector:
    """Connections that go out."""

    _log = Logger()

    def __init__(
        self,
        parts: S2SParts,
        connections: Connections,
        resolver: Resolver,
        dial: Dial,
        random: Callable[[], float],
        own: Collection[tuple[str, int]] = (),
    ):
        """*own* are the addresses where this server itself awaits others: nobody is sought there."""
        self._parts = parts
        self._connections = connections
        self._resolver = resolver
        self._dial = dial
        self._random = random
        self._own = frozenset(own)
        self._verifications = 0

    def open(self, sender: Sender) -> Deferred[Carrier]:
        """Give a stream that *sender* may send on, or the way back of one of theirs; fails with `Unreachable`.

        Where an earlier stream has left something, one of our own is tried first: by it is told what has arrived.
        """
        back = None if sender.left is not None else self._parts.ways_back.take(sender)
        if back is not None:
            return succeed(back)
        return self._open_own(sender)

    @deferred
    async def _open_own(self, sender: Sender) -> Carrier:
        try:
            opened: Carrier = await self._reach(sender.ours, sender.theirs, partial(self._outgoing, sender))
        except Unreachable:
            back = self._parts.ways_back.take(sender)
            if back is None:
                raise
            return back
        return opened

    def verify(self, request: Dialback, stream_id: str) -> Deferred[bool]:
        """Ask the server of a domain whether a key is its own; fails with `Unreachable`."""
        if self._verifications >= VERIFICATIONS:
            return fail(Unreachable(Failed("resource-constraint", "Too many servers are asked about keys")))
        self._verifications += 1
        make = partial(self._verifying, request, stream_id)
        asked: Deferred[bool] = self._reach(request.to, request.from_, make)
        return asked.addBoth(self._verified)

    def _verified(self, outcome: Any) -> Any:
        self._verifications -= 1
        return outcome

    # -- streams ------------------------------------------------------------------------------------------------------

    def _outgoing(
        self, sender: Sender, tell: Any, is_direct: bool, link: S2SProtocol, conn: Connection
    ) -> Any:
        return OutgoingStream(link, self._parts, conn, link.peer, sender, tell, is_direct=is_direct)

    def _verifying(
        self,
        request: Dialback,
        stream_id: str,
        tell: Any,
        is_direct: bool,
        link: S2SProtocol,
        conn: Connection,
    ) -> Any:
        return VerifyingStream(
            link, self._parts, conn, link.peer, request, stream_id, tell, is_direct=is_direct
        )

    # -- target by target ---------------------------------------------------------------------------------------------

    @deferred
    async def _reach(self, ours: str, theirs: str, make: MakeStream) -> Any:
        """Where none of the targets has an address to go to, there is nothing to be waited for (RFC 6120 10.4)."""
        settings = self._parts.settings()
        last, is_somewhere = Failed(NOT_FOUND, f"{theirs} was not found"), False
        for target in await targets_of(theirs, settings, self._resolver, self._random):
            try:
                return await self._try(ours, theirs, target, make)
            except Unreachable as problem:
                last = problem.failed
                self._log.debug("{domain} at {host}: {why}", domain=theirs, host=target.host, why=last.text)
                if last.is_final:
                    break
                is_somewhere = is_somewhere or last.condition != NOT_FOUND
        raise Unreachable(last if is_somewhere else replace(last, is_final=True))

    async def _try(self, ours: str, theirs: str, target: Target, make: MakeStream) -> Any:
        """Address by address, where one takes the connection and no stream comes of it."""
        left = await self._addresses(theirs, target)
        pinned = await pinned_at(theirs, target, self._parts.settings(), self._resolver)
        while True:
            told: Deferred[Any] = Deferred()
            taken = await self._connect(ours, theirs, target, pinned, left, partial(make, _teller(told)))
            try:
                return await told
            except Unreachable as problem:
                left = interleaved([each for each in left if each != taken])
                if problem.failed.is_final or not left:
                    raise

    async def _connect(
        self,
        ours: str,
        theirs: str,
        target: Target,
        pinned: Pinned | None,
        addresses: list[str],
        make: Callable[..., InitiatedStream],
    ) -> str:
        """Give which of *addresses* takes a connection, on which a stream is then; fails with `Unreachable`."""
        parts = self._parts
        creator = None
        if target.is_direct:
            if parts.tls is None:
                raise Unreachable(Failed(NOT_FOUND, "This server has no TLS"))
            creator = parts.tls.creator_out(ours, theirs, is_direct=True, pinned=pinned)

        def protocol() -> S2SProtocol:
            return S2SProtocol(self._connections, partial(make, target.is_direct), target.is_direct, pinned)

        def dial(address: str) -> Deferred[str]:
            made = self._dial(address, target.port, protocol, tls=creator)
            return made.addCallback(lambda _: address)

        race: Race[str] = Race(
            parts.timers,
            [partial(dial, address) for address in addresses],
            parts.settings().connect_timeout_s,
        )
        try:
            return await race.run()
        except CannotConnect as problem:
            text = f"{theirs} does not answer: {problem}"
            raise Unreachable(Failed("remote-server-timeout", text)) from problem

    async def _addresses(self, theirs: str, target: Target) -> list[str]:
        try:
            found = interleaved(await self._resolver.addresses(target.host))
        except CannotResolve as problem:
            text = f"The address of {target.host} cannot be found out: {problem}"
            raise Unreachable(Failed("remote-server-timeout", text)) from problem
        if not found:
            text = f"{theirs} was not found: {target.host} has no address"
            raise Unreachable(Failed(NOT_FOUND, text))
        settings = self._parts.settings()
        if not target.is_configured:
            found = [each for each in found if may_go_to(each, settings)]
        found = [each for each in found if (each, target.port) not in self._own]
        if not found:
            text = f"{theirs} was not found: its address is one of this machine"
            raise Unreachable(Failed(NOT_FOUND, text))
        return found[:ADDRESSES]


def _teller(told: Deferred[Any]) -> Callable[[object], None]:
    """Give what fires *told* once with the outcome of a stream, or fails it with why there is none."""

    def tell(outcome: object) -> None:
        if not told.called:
            told.errback(Unreachable(outcome)) if isinstance(outcome, Failed) else told.callback(outcome)

    return tell

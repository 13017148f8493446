"""One session's stream management (XEP-0198 4): counts its stanzas both ways and keeps what is not acknowledged.

Rules that live here: a stanza for the client stays in the queue until the client has acknowledged it; a durable message
for a resumable session has an entry in the durable queue, made in the transaction in which it is acknowledged to its
sender. What the client sends is in `xmppd.services.stream_management.receipts`.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from xmppd.core.fanout import Fanout
from xmppd.core.session import Session, SessionStream
from xmppd.core.timers import Timer
from xmppd.services.stream_management.copies import Copies, Copying
from xmppd.services.stream_management.receipts import NS, Receipts
from xmppd.services.stream_management.records import QUEUE, Key, entry_id, queued, unsent_id
from xmppd.services.stream_management.rounds import Rounds
from xmppd.stanza.delay import DELAY, delay_xml
from xmppd.stanza.errors import StreamError
from xmppd.stanza.forward import forwarded_xml
from xmppd.stanza.kinds import NS_CARBONS, kind_of
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Change, DeleteEntries
from xmppd.stream.acks import MODULUS, Outgoing, Sent, Source

REQUEST: Final = f"<r xmlns='{NS}'/>".encode()
STANZA_NAMES: Final = frozenset(("message", "presence", "iq"))
CARBON: Final = frozenset(((NS_CARBONS, "received"), (NS_CARBONS, "sent")))
"""What makes a message a carbon (XEP-0280)."""
LATE_S: Final = 5.0
"""A message that is sent again later than this bears the time at which it was sent first (XEP-0203)."""


class Settings(NamedTuple):
    """What the host allows."""

    max_s: int
    """How long a session may go on without a connection."""
    queue_stanzas: int
    queue_bytes: int
    """How much may be unacknowledged; beyond it the session ends."""
    ask_after: int
    """So many stanzas are sent before an acknowledgement is asked for at once."""


class StreamLedger(Receipts):
    """The `Ledger` of a session with stream management, and the last of its outbound filters."""

    __slots__ = (
        "_changes",
        "_copies",
        "_copying",
        "_delivered",
        "_held",
        "_holds",
        "_is_asking",
        "_is_replay_due",
        "_later",
        "_queued_ahead",
        "_settings",
        "_stalls",
        "_unasked",
        "expiry",
        "former",
        "is_resumable",
        "is_silent",
        "max_s",
        "on_grown",
        "outgoing",
    )

    def __init__(
        self,
        session: Session,
        key: Key,
        settings: Settings,
        rounds: Rounds,
        copying: Copying,
        now: Callable[[], float],
    ):
        """*now* is wall time in seconds since 1970."""
        super().__init__(session, key, rounds, now)
        self.outgoing = Outgoing()
        self.is_resumable = False
        self.max_s = 0
        self.expiry: Timer | None = None
        """Running while there is no connection."""
        self.on_grown: Callable[[Session], None] | None = None
        """Told of what joins the queue while there is no connection."""
        self.former: SessionStream | None = None
        """The stream that had the session before its connection was lost."""
        self.is_silent = False
        """From a new connection until `replay`: what is sent only queues up."""
        self._settings = settings
        self._copying = copying
        self._delivered: Stanza | None = None
        self._changes: list[Change] = []
        self._copies: Copies | None = None
        self._queued_ahead = 0
        self._later: dict[Stanza, Copies] = {}
        self._holds = 0
        self._held: list[Stanza] = []
        self._is_replay_due = False
        self._is_asking = False
        self._unasked = 0
        """So many stanzas were sent since an acknowledgement was asked for last."""
        self._stalls = 0
        """So many answers in a row have acknowledged nothing."""

    # -- what the client gets -----------------------------------------------------------------------------------------

    def delivering(self, stanza: Stanza, changes: list[Change], takers: Sequence[Session]) -> None:
        """The message sent next is *stanza*, and what keeps it goes into *changes*; see `Ledger`."""
        self._delivered, self._changes = stanza, changes
        self._copies = self._copying.of(stanza, takers)
        if self._later and stanza in self._later:
            self._copies = self._later.pop(stanza)
            self._copies.holders -= 1

    def outbound(self, session: Session, x: Stanza | bytes) -> Stanza | bytes | None:
        """Keep a stanza that is sent; the last outbound filter. Nothing is let pass without a connection."""
        if isinstance(x, bytes):
            return x if session.conn is not None else None
        kept_as, copies = ("", None) if x.name != "message" else self._keep(x)
        self._count(x, kept_as, copies)
        if session.conn is None or self.is_silent:
            if self.on_grown is not None:
                self.on_grown(session)
            return None
        if self._holds:
            self._held.append(x)
            return None
        self._unasked += 1
        if self._is_asking:
            return x
        if self._unasked < self._settings.ask_after:
            if self._unasked == 1:
                self._rounds.ask_soon(self)
            return x
        self._is_asking = True
        self._unasked = 0
        session.send(x.to_bytes())  # one element a write: a carrier may frame each
        return REQUEST

    def send_copy(self, source: Source, to: str, data: bytes) -> bool:
        """Count a copy of what goes to many, and write it; see `Ledger`."""
        outgoing, session, settings = self.outgoing, self.session, self._settings
        count = outgoing.append_copy(source, to)
        if not source.sent_at:
            source.sent_at = self._now()
        if count > settings.queue_stanzas or outgoing.size_bytes > settings.queue_bytes:
            self._rounds.next_turn(self.overflow)
        if session.conn is None or self.is_silent:
            if self.on_grown is not None:
                self.on_grown(session)
            return True
        if self._holds:
            self._held.append(source.copy(to))
            return True
        session.send(data)
        self._unasked = unasked = self._unasked + 1
        if not self._is_asking:
            if unasked >= settings.ask_after:
                self._is_asking = True
                self._unasked = 0
                session.send(REQUEST)
            elif unasked == 1:
                self._rounds.ask_soon(self)
        return True

    def _count(self, stanza: Stanza, kept_as: str, copies: Copies | None) -> None:
        """Put a stanza into the queue, and look at its bounds."""
        outgoing, settings, source = self.outgoing, self._settings, stanza.source
        if type(source) is Fanout and not kept_as and copies is None and stanza.to is not None:
            source.sent_at = source.sent_at or self._now()
            outgoing.append_copy(source, stanza.to)
        else:
            outgoing.append(Sent(stanza, self._now(), kept_as, copies))
        if len(outgoing) > settings.queue_stanzas or outgoing.size_bytes > settings.queue_bytes:
            self._rounds.next_turn(self.overflow)

    def _keep(self, stanza: Stanza) -> tuple[str, Copies | None]:
        """Put a durable message into the durable queue, in its own transaction if that is known."""
        changes: list[Change] | None = None
        copies: Copies | None = None
        if self._delivered is stanza:
            changes, copies = self._changes, self._copies
            self._delivered = self._copies = None
            if copies is not None:
                copies.holders += 1
        if not self.is_durable or not kind_of(stanza).is_durable:
            return "", copies
        id = entry_id(self.key.session_id, self.outgoing.next)
        number = 1 if copies is None else copies.count
        change = queued(self.key, id, stanza, self._now(), number, changes or ())
        if changes is None:
            self._rounds.commit(change).addErrback(lambda _: None)  # it is in memory all the same
        else:
            changes.append(change)
        return id, copies

    def queue(self, stanza: Stanza, changes: list[Change], takers: Sequence[Session]) -> Change | None:
        """Keep a message that is sent later, under no number; see `Ledger`."""
        copies = self._copying.of(stanza, takers)
        if copies is not None:
            copies.holders += 1
            self._later[stanza] = copies
        if not self.is_durable or not kind_of(stanza).is_durable:
            return None
        self._queued_ahead += 1
        id = unsent_id(self.key.session_id, self._queued_ahead)
        changes.append(queued(self.key, id, stanza, self._now(), len(takers), changes))
        return DeleteEntries(QUEUE, self.key.owner, ids=(id,))

    def carbon_of(self, stanza: Stanza) -> int | None:
        """Give the place among what is not acknowledged of a carbon of *stanza*; None where there is none."""
        forwarded = forwarded_xml(stanza)
        for index, sent in enumerate(self.outgoing):
            if not CARBON.isdisjoint(sent.stanza.child_names) and forwarded in sent.stanza.inner:
                return index
        return None

    def take_over(self, index: int, stanza: Stanza, changes: list[Change]) -> None:
        """Answer for *stanza* from now on, of which the carbon at this place waits to be acknowledged.

        It is in the durable queue then, in the place of the carbon; *changes* put it there.
        """
        sent, id = list(self.outgoing)[index], ""
        if self.is_durable:
            id = entry_id(self.key.session_id, (self.outgoing.acknowledged + 1 + index) % MODULUS)
            changes.append(queued(self.key, id, stanza, sent.sent_at, 1, ()))
        self.outgoing.replace(index, sent._replace(entry_id=id, original=stanza))

    def drop(self) -> None:
        """The session has ended: what was to be sent later is not held here any more."""
        for copies in self._later.values():
            copies.holders -= 1
        self._later.clear()

    @property
    def has_queued_ahead(self) -> bool:
        """Whether messages may be in the durable queue that were not sent."""
        return self._queued_ahead > 0

    def cork(self) -> None:
        """Let what is sent wait; see `Ledger`."""
        self._holds += 1

    def uncork(self) -> None:
        """Send what has waited; see `Ledger`."""
        self._holds -= 1
        if self._holds:
            return
        if self._is_replay_due:
            self.replay()
            return
        held, self._held = self._held, []
        for stanza in held:
            self.session.send(stanza.to_bytes())
        if held:
            self._await_more(len(held))

    def window(self) -> tuple[int, int]:
        """Half of the queue is for what cannot wait; see `Ledger`."""
        outgoing, settings = self.outgoing, self._settings
        return settings.queue_stanzas // 2 - len(outgoing), settings.queue_bytes // 2 - outgoing.size_bytes

    def acknowledge(self, h: int) -> None:
        """The client has handled all up to *h*. Raises `TooHigh`.

        What was sent since the last request is asked for soon; what an answer leaves that was sent before it, at
        growing distances: there are clients that do not count all that they get.
        """
        ids, before = [], self.outgoing.acknowledged
        for sent in self.outgoing.acknowledge(h):
            if sent.entry_id:
                ids.append(sent.entry_id)
            if isinstance(sent.copies, Copies):
                sent.copies.is_acknowledged = True
        if ids:
            self._rounds.acknowledged(self.key.owner, ids)
        self._is_asking = False
        unasked, self._unasked = min(self._unasked, len(self.outgoing)), 0
        self._stalls = self._stalls + 1 if self.outgoing.acknowledged == before else 0
        if unasked:
            self._await_more(unasked)
        elif self.outgoing:
            self._rounds.ask_later(self, self._stalls)

    def _await_more(self, stanzas: int) -> None:
        """So many more stanzas are out: ask now, or soon."""
        self._unasked += stanzas
        if self._unasked >= self._settings.ask_after:
            self.ask()
        elif self._unasked:
            self._rounds.ask_soon(self)

    def ask(self) -> None:
        """Ask for an acknowledgement, unless one is asked for or nothing waits for one."""
        if not self._is_asking and not self.is_silent and self.outgoing and self.session.conn is not None:
            self._is_asking = True
            self._unasked = 0
            self.session.send(REQUEST)

    def overflow(self) -> None:
        """End the session; nothing is dropped from its queue, all of it goes where it can."""
        self.session.close(StreamError("resource-constraint", "Too many stanzas wait for an acknowledgement"))

    # -- without a connection, and with a new one ---------------------------------------------------------------------

    def detach(self) -> None:
        """The connection is gone: ask for nothing."""
        self._is_asking = False
        self._owed = None
        self._is_replay_due = False
        self._held.clear()
        self._rounds.left(self)

    def replay(self) -> None:
        """Send what is not acknowledged over the new connection (section 5), and ask whether it came.

        What waits for a commit (`cork`) is sent behind it, and so is all else.
        """
        self._is_replay_due = self._holds > 0
        if self._is_replay_due:
            return
        self.is_silent = False
        session, now = self.session, self._now()
        for sent in self.outgoing:
            session.send(
                _late(sent, session.host or "") if now - sent.sent_at > LATE_S else sent.stanza.to_bytes()
            )
        self._unasked = len(self.outgoing)
        self.ask()


def entry_ids(sent: Iterable[Sent]) -> list[str]:
    """Give the ids of the durable entries of what was sent."""
    return [each.entry_id for each in sent if each.entry_id]


def _late(sent: Sent, host: str) -> bytes:
    stanza = sent.stanza
    if stanza.name != "message" or DELAY in stanza.child_names:
        return stanza.to_bytes()
    return stanza.with_last(delay_xml(sent.sent_at, host), DELAY).to_bytes()

"""One session's stream management (XEP-0198 4): counts its stanzas both ways and keeps what is not acknowledged.

Rules that live here: a stanza for the client stays in the queue until the client has acknowledged it; the record of a
message (`xmppd.services.inbox`) is told under which number it is there, and that it was acknowledged. What the client
sends is in `xmppd.services.stream_management.receipts`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from xmppd.core.fanout import Fanout
from xmppd.core.session import Session, SessionStream
from xmppd.core.timers import Timer
from xmppd.services.inbox.inbox import Inbox
from xmppd.services.inbox.machine import Record
from xmppd.services.stream_management.receipts import NS, Receipts
from xmppd.services.stream_management.records import Key
from xmppd.services.stream_management.rounds import Rounds
from xmppd.stanza.delay import DELAY, delay_xml
from xmppd.stanza.errors import StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.stream.acks import MODULUS, Outgoing, Sent, Source

REQUEST: Final = f"<r xmlns='{NS}'/>".encode()
STANZA_NAMES: Final = frozenset(("message", "presence", "iq"))
LATE_S: Final = 5.0
"""A message that is sent again later than this bears the time at which it was sent first (XEP-0203)."""


@dataclass(frozen=True, slots=True)
class Settings:
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
        "_held",
        "_holds",
        "_inbox",
        "_is_asking",
        "_is_replay_due",
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
        inbox: Inbox,
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
        self._inbox = inbox
        self._holds = 0
        self._held: list[Stanza] = []
        self._is_replay_due = False
        self._is_asking = False
        self._unasked = 0
        """So many stanzas were sent since an acknowledgement was asked for last."""
        self._stalls = 0
        """So many answers in a row have acknowledged nothing."""

    # -- what the client gets -----------------------------------------------------------------------------------------

    def outbound(self, session: Session, x: Stanza | bytes) -> Stanza | bytes | None:
        """Keep a stanza that is sent; the last outbound filter. Nothing is let pass without a connection."""
        if isinstance(x, bytes):
            return x if session.conn is not None else None
        self._count(x)
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

    def send_copy(self, source: Source, to: str) -> bool:
        """Count a copy of what goes to many, and write it; see `Ledger`.

        What `Outgoing.append_copy`, `Session.write` and `Rounds.ask_soon` do is done here: the calls would cost much.
        """
        outgoing, session, settings = self.outgoing, self.session, self._settings
        waiting = outgoing.waiting
        waiting.append(source if to == outgoing.to else outgoing.turn_to(source, to))
        outgoing.size_bytes = size = outgoing.size_bytes + source.size_bytes + len(to)
        if source.sent_at is None:
            source.sent_at = self._now()
        if size > settings.queue_bytes or len(waiting) > settings.queue_stanzas:
            self._rounds.next_turn(self.overflow)
        conn = session.conn
        if conn is None or self.is_silent or self._holds:
            self._keep_copy(source, to)
            return True
        data = b"".join((source.head, outgoing.address, source.tail))
        if session.bytes_filters or session.is_ended:
            session.write(data)
        else:
            conn.write(data)
        self._unasked = unasked = self._unasked + 1
        if not self._is_asking:
            if unasked >= settings.ask_after:
                self.ask()
            elif unasked == 1:
                rounds = self._rounds
                if rounds.unasked:
                    rounds.unasked[self] = None
                else:
                    rounds.ask_soon(self)
        return True

    def _keep_copy(self, source: Source, to: str) -> None:
        """What has to wait is in the queue; behind a commit it is sent anyway."""
        if self._holds and self.session.conn is not None and not self.is_silent:
            self._held.append(source.copy(to))
        elif self.on_grown is not None:
            self.on_grown(self.session)

    def _count(self, stanza: Stanza) -> None:
        """Put a stanza into the queue, tell its record of it, and look at the queue's bounds."""
        outgoing, settings, source, id = self.outgoing, self._settings, stanza.source, self.key.session_id
        if isinstance(source, Record) and not source.is_late:
            count = outgoing.append(stanza, self._now(), source)
            source.holders[id] = (outgoing.acknowledged + count) % MODULUS
        else:
            record: Record | None
            if isinstance(source, Record):
                record = self._inbox.sent_late(source, id, outgoing.next)
            else:
                record = self._inbox.alone(self.key.owner, stanza, id, outgoing.next)
            if type(source) is Fanout and record is None and stanza.to is not None:
                source.sent_at = source.sent_at or self._now()
                count = outgoing.append_copy(source, stanza.to)
            else:
                count = outgoing.append(stanza, self._now(), record)
        if count > settings.queue_stanzas or outgoing.size_bytes > settings.queue_bytes:
            self._rounds.next_turn(self.overflow)

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
        before = self.outgoing.acknowledged
        records = [record for record in self.outgoing.acknowledge(h) if isinstance(record, Record)]
        if records:
            self._inbox.acknowledged(records, self.key.session_id)
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


def _late(sent: Sent, host: str) -> bytes:
    stanza = sent.stanza
    if stanza.name != "message" or DELAY in stanza.child_names:
        return stanza.to_bytes()
    return stanza.with_last(delay_xml(sent.sent_at, host), DELAY).to_bytes()

"""What does the operations on the log, and what watches stanzas."""

from collections.abc import Callable
from contextlib import nullcontext

from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from zope.interface import implementer

from xmppd.admin.control.names import address, existing_account
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.admin.operations.log import Reason, sentence
from xmppd.admin.reasons import Reasons
from xmppd.admin.watching import Watching
from xmppd.core.log import LEVELS, as_json, as_line, is_of_twisted, level_of
from xmppd.core.operations.running import Progress, does
from xmppd.core.registry import SessionRegistry
from xmppd.core.session import Session
from xmppd.core.waiting import deferred
from xmppd.stanza.jid import JID


@does("log.level")
def log_level(parts: ControlParts, level: str | None = None) -> dict[str, str]:
    """Give the level that is written, another one from now on where it is named."""
    writer = parts.log
    if writer is None:
        why = "the log goes to syslog, which decides itself what it keeps; log level is for xmppd's own log"
        raise ControlError("not-possible", why)
    if level is not None:
        writer.level = level
    return {"level": writer.level}


@does("log.follow")
@deferred
async def log_follow(
    parts: ControlParts, progress: Progress, level: str | None = None, jid: str | None = None
) -> None:
    """Send each line that is logged from now on, as text and as what it says by name; never ends."""
    who = None if jid is None else address(parts.hosts, jid)
    about = None if who is None else _About(parts.registry, who)
    rank = LEVELS.index(level or "info")

    def because(reason: Reason) -> None:
        event = _event_of(reason, parts.now())
        progress({"line": as_line(event), "event": as_json(event)})

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        own = LEVELS.index(level_of(event))
        if own < rank or (is_of_twisted(event) and own < LEVELS.index("warn")):
            return
        if about is None or about.is_meant(event):
            progress({"line": as_line(event), "event": as_json(event)})

    is_all = level == "debug" and who is not None and who.localpart is not None
    reasons = None if who is None or not is_all else _reasons(parts, who, because)
    globalLogPublisher.addObserver(observe)
    if reasons is not None:
        reasons.start()
    try:
        with nullcontext() if parts.log is None else parts.log.followed():
            await _for_ever()
    finally:
        globalLogPublisher.removeObserver(observe)
        if reasons is not None:
            reasons.stop()


@does("watch.stanzas")
@deferred
async def watch_stanzas(parts: ControlParts, progress: Progress, jid: str, bodies: bool = False) -> None:
    """Send each stanza of an account's sessions, or of one session; never ends."""
    who = address(parts.hosts, jid)
    if who.localpart is None:
        raise ControlError("bad-arguments", f"{jid} is a host; watch an account, or one session")
    watching = Watching(parts.hosts[who.domainpart], parts.registry, who, progress, bodies)
    watching.start()
    try:
        await _for_ever()
    finally:
        watching.stop()


@does("watch.reasons")
@deferred
async def watch_reasons(parts: ControlParts, progress: Progress, jid: str) -> None:
    """Send what becomes of each message of an account, and why; never ends."""
    reasons = _reasons(parts, await existing_account(parts, jid), progress)
    reasons.start()
    try:
        await _for_ever()
    finally:
        reasons.stop()


class _About:
    """Which events are about an account or a session: those of its streams, and those that name it."""

    def __init__(self, registry: SessionRegistry, who: JID):
        self._registry = registry
        self._who = who
        self._streams: dict[str, None] = {}

    def is_meant(self, event: LogEvent) -> bool:
        stream = event.get("stream")
        if stream is not None:
            if stream in self._streams or stream in {each.stream_id for each in self._sessions()}:
                return True
            if not self._is_named(event):
                return False
            self._streams[stream] = None  # it has just said who it is
            return True
        return self._is_named(event)

    def _sessions(self) -> tuple[Session, ...]:
        if self._who.is_bare:
            return self._registry.resources(self._who.bare)
        session = self._registry.get(self._who.full)
        return () if session is None else (session,)

    def _is_named(self, event: LogEvent) -> bool:
        named = self._who.full
        if event.get("user") is not None and f"{event['user']}@{event.get('host')}" == self._who.bare:
            return True
        return any(
            str(value) == named or str(value).startswith(f"{named}/")
            for key, value in event.items()
            if not key.startswith("log_")
        )


def _reasons(parts: ControlParts, who: JID, tell: Callable[[Reason], None]) -> Reasons:
    return Reasons(parts.hosts[who.domainpart], parts.registry, parts.services, who, tell)


def _event_of(reason: Reason, at: float) -> LogEvent:
    """Give a reason as it would be logged; it is told to who follows, and to nobody else."""
    return {
        "log_format": "{sentence}",
        "log_level": LogLevel.debug,
        "log_namespace": "xmppd.admin.reasons",
        "log_time": at,
        "sentence": sentence(reason),
        **reason,
    }


def _for_ever() -> Deferred[None]:
    """Fires never; it is cancelled."""
    return Deferred()

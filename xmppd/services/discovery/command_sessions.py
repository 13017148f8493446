"""The executions of ad-hoc commands that wait for their requesters (XEP-0050 3.3): bounded, and each for a time.

Rules that live here:

- an execution belongs to the full JID that has begun it, and ends with its session at the latest;
- while a step is taken it is with whoever takes it; two requests at once for the same execution are not possible;
- where a requester has too many, the one that waits longest ends; where all together are too many, no other begins;
- of those that have ended some are remembered, so that the requester learns what has happened (4.4).
"""

from collections.abc import Callable
from typing import Final

from xmppd.core.bounded import Bounded
from xmppd.core.host import Host
from xmppd.core.timers import Timer, Timers
from xmppd.services.discovery.commands import NS, Command, Execution, refused
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID

EACH: Final = 10
"""Executions of one requester."""
ALL: Final = 1_000
"""Of all together."""
ENDED: Final = 1_000
"""So many that have ended are remembered."""
ID_BYTES: Final = 12

_Key = tuple[str, str]


class CommandSessions:
    """Keeps executions from one stage to the next."""

    def __init__(self, timers: Timers, random_text: Callable[[int], str]):
        """*random_text* gives so many unguessable bytes as text."""
        self._timers = timers
        self._random_text = random_text
        self._waiting: dict[str, dict[str, tuple[Execution, Timer]]] = {}
        self._number = 0
        self._ended: Bounded[_Key, None] = Bounded(ENDED)

    def __len__(self) -> int:
        return self._number

    def begin(self, host: Host, target: JID, sender: JID, command: Command) -> Execution:
        """Begin a command; `StanzaError` where too many are under way."""
        if self._number >= ALL:
            raise StanzaError("resource-constraint", "Too many commands are under way")
        return Execution(host, target, sender, command, self._random_text(ID_BYTES))

    def take(self, target: JID, sender: JID, id: str, node: str) -> Execution:
        """Give the execution that a requester goes on with; whoever takes it calls `keep` or `end`. `StanzaError`."""
        waiting = self._waiting.get(sender.full, {}).get(id)
        if waiting is None and (sender.full, id) in self._ended:
            raise StanzaError("not-allowed", "This command is over", extra=Element("session-expired", NS))
        if waiting is None or (waiting[0].target, waiting[0].command.node) != (target, node):
            raise refused("bad-sessionid")
        self._remove(waiting[0])
        return waiting[0]

    def keep(self, execution: Execution, timeout_s: float) -> None:
        """Let an execution wait for its requester."""
        mine = self._waiting.setdefault(execution.sender.full, {})
        if len(mine) >= EACH:
            self.end(next(iter(mine.values()))[0])
            mine = self._waiting.setdefault(execution.sender.full, {})
        mine[execution.id] = execution, self._timers.add(timeout_s, self._on_timeout, execution)
        self._number += 1

    def end(self, execution: Execution) -> None:
        """An execution is over."""
        self._remove(execution)
        self._ended.keep((execution.sender.full, execution.id), None)

    def forget(self, full_jid: str) -> None:
        """A requester has gone."""
        for execution, _ in [*self._waiting.get(full_jid, {}).values()]:
            self.end(execution)

    def clear(self, host: Host) -> None:
        """Commands of a domain are no more."""
        for mine in [*self._waiting.values()]:
            for execution, _ in [*mine.values()]:
                if execution.host is host:
                    self.end(execution)

    def _on_timeout(self, now: float, timer: Timer, execution: Execution) -> None:
        self.end(execution)

    def _remove(self, execution: Execution) -> None:
        mine = self._waiting.get(execution.sender.full, {})
        waiting = mine.pop(execution.id, None)
        if waiting is None:
            return
        self._timers.stop(waiting[1])
        self._number -= 1
        if not mine:
            del self._waiting[execution.sender.full]

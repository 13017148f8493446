"""Watching the stanzas of an account's sessions, or of one session. Nothing of it is there while nobody watches.

What is sent is seen by a filter of each session at the stage WATCH, what comes in by a handler of the host's hook for
clients' stanzas, behind the rules of blocking and cleaning. What stanzas contain is left out unless it is asked for.
"""

import re
from collections.abc import Callable
from typing import Final

from xmppd.core import events
from xmppd.core.events import Traffic
from xmppd.core.filters import FilterStage
from xmppd.core.host import Host
from xmppd.core.registry import SessionRegistry
from xmppd.core.session import Session
from xmppd.core.stations import ACTING
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza

LEFT_OUT: Final = b"\xe2\x80\xa6"
_TEXT: Final = re.compile(rb">[^<]+<")
_CDATA: Final = re.compile(rb"<!\[CDATA\[.*?\]\]>", re.DOTALL)


class Watching:
    """One who watches; *tell* gets ``{"way": "in" or "out", "jid": …, "stanza": …}``."""

    def __init__(
        self,
        host: Host,
        registry: SessionRegistry,
        who: JID,
        tell: Callable[[object], None],
        has_bodies: bool = False,
    ) -> None:
        self._host = host
        self._registry = registry
        self._who = who
        self._tell = tell
        self._has_bodies = has_bodies

    def start(self) -> None:
        """Begin, with the sessions that are there and those that come."""
        self._host.hooks.add(events.CLIENT_STANZA, self._on_stanza, ACTING)
        self._host.hooks.add(events.RESOURCE_BOUND, self._on_bound)
        for session in self._registry.resources(self._who.bare):
            self._on_bound(session)

    def stop(self) -> None:
        """Leave nothing behind."""
        self._host.hooks.remove(events.CLIENT_STANZA, self._on_stanza)
        self._host.hooks.remove(events.RESOURCE_BOUND, self._on_bound)
        for session in self._registry.resources(self._who.bare):
            session.remove_filter(self._on_sent)

    def _is_meant(self, session: Session) -> bool:
        return self._who.bare == session.bare_jid and (
            self._who.is_bare or self._who.full == session.full_jid
        )

    def _on_bound(self, session: Session) -> None:
        if self._is_meant(session):
            session.add_filter(FilterStage.WATCH, self._on_sent)

    def _on_stanza(self, traffic: Traffic) -> None:
        origin = traffic.origin
        if origin is not None and self._is_meant(origin):
            self._say("in", origin, traffic.stanza)

    def _on_sent(self, session: Session, x: Stanza | bytes) -> Stanza | bytes:
        self._say("out", session, x)
        return x

    def _say(self, way: str, session: Session, x: Stanza | bytes) -> None:
        data = x.to_bytes() if isinstance(x, Stanza) else x
        if not self._has_bodies:
            data = masked(data)
        self._tell({"way": way, "jid": session.full_jid or "", "stanza": data.decode("utf-8", "replace")})


def masked(data: bytes) -> bytes:
    """Leave out all text between tags; names, attributes and structure stay."""
    return _TEXT.sub(b">" + LEFT_OUT + b"<", _CDATA.sub(b"x", data))

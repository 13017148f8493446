"""Announcements of the operator: to who is there or to all, a message of the day, a welcome (XEP-0133 4.23 to 4.29).

The message of the day goes to each account once, at its first login after it was set; the welcome to each account that
is made. All are messages of the domain, and are kept for who is not there.
"""

import json
from collections.abc import Iterable
from typing import Final, NamedTuple

from xmppd.core import events
from xmppd.core.events import Traffic
from xmppd.core.module import Module, on
from xmppd.core.stations import NOTING
from xmppd.core.waiting import deferred, spawn
from xmppd.services.accounts.accounts import AccountEvent, Accounts
from xmppd.stanza import ns
from xmppd.stanza.element import Element
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Change, Delete, Put

STORE: Final = "announcements"
SEEN: Final = "announcements_seen"
MOTD, WELCOME = "motd", "welcome"
BATCH: Final = 50
"""So many are told at a time, then others have their turn."""


class Text(NamedTuple):
    """What is said, and when that was set."""

    text: str
    at: float


class Announcements(Module):
    """Says what the operator wants to be said."""

    name = "announcements"
    summary = "Announcements"
    uses = (Accounts,)

    def start(self) -> None:
        """Find the service, and read what was set."""
        self._accounts = self.api.services[Accounts]
        self._set: dict[str, Text] = {}
        self.at_end(self._accounts.subscribe(AccountEvent.CREATED, self._on_created))
        spawn("reading announcements", self._load())

    def text_of(self, kind: str) -> Text | None:
        """Give the message of the day or the welcome; None where there is none."""
        return self._set.get(kind)

    @deferred
    async def set(self, kind: str, text: str | None) -> None:
        """Set the message of the day or the welcome, None takes it away; waits for the commit, `StorageError`."""
        host = self.api.host.name
        if text is None:
            await self.api.storage.commit(Delete(STORE, host, kind))
            self._set.pop(kind, None)
            return
        new = Text(text, self.api.now())
        change: Change = Put(STORE, host, kind, json.dumps(new, ensure_ascii=False).encode())
        await self.api.storage.commit(change)
        self._set[kind] = new

    @deferred
    async def announce(self, text: str, *, to_all: bool, subject: str = "") -> int:
        """Tell who is there, or all accounts; gives how many are told. Waits between batches."""
        host = self.api.host.name
        if to_all:
            targets = self._accounts.of_host(host)
        else:
            there = (each for each in self.api.registry if each.host == host and each.is_available)
            targets = [session.full_jid or "" for session in there]
        for number, target in enumerate(targets, 1):
            self._tell(target, text, subject)
            if number % BATCH == 0:
                await self.api.timers.wait()
        return len(targets)

    @on(events.CLIENT_PRESENCE, NOTING)
    def on_presence(self, traffic: Traffic) -> None:
        """Who logs in is told the message of the day, once."""
        motd, session, stanza = self._set.get(MOTD), traffic.origin, traffic.stanza
        if motd is None or session is None or session.presence is not None:
            return
        if stanza.type is None and stanza.to is None:
            spawn("the message of the day", self._tell_motd(traffic.sender, motd))

    async def _tell_motd(self, who: JID, motd: Text) -> None:
        storage, mark = self.api.storage, repr(motd.at).encode()
        if not self._accounts.exists(who.bare) or await storage.get(SEEN, who.bare) == mark:
            return
        await storage.commit(Put(SEEN, who.bare, "", mark))
        self._tell(who.full, motd.text)

    def _on_created(self, jid: JID) -> None:
        welcome = self._set.get(WELCOME)
        if welcome is not None and jid.domainpart == self.api.host.name:
            self._tell(jid.bare, welcome.text)

    def _tell(self, to: str, text: str, subject: str = "") -> None:
        waiting = self.api.router.route(
            Stanza.make("message", *_payload(text, subject), to=to, from_=self.api.host.name)
        )
        if waiting is not None:
            spawn("an announcement", waiting)

    async def _load(self) -> None:
        for kind, stored in (await self.api.storage.get_all(STORE, self.api.host.name)).items():
            self._set.setdefault(kind, Text(*json.loads(stored)))


def _payload(text: str, subject: str) -> Iterable[Element]:
    said = (("subject", subject), ("body", text))
    return [Element(name, ns.CLIENT, children=[what]) for name, what in said if what]

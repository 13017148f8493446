"""Why a message of one account was archived, copied, pushed, held back, kept, or not. Not there while nobody watches.

What is said is what has happened: the chains of the host's hooks tell what each handler answered (`Hooks.watch`), the
changes of a message whether it is archived, a filter of each session at the stage WATCH what that is sent, and the push
service whom it tells. Only the words for a no are looked up, in the tables that decided it (`xmppd.stanza.reasons`).
"""

from collections.abc import Callable, Mapping
from typing import Final

from xmppd.admin.operations.log import Reason
from xmppd.core import events
from xmppd.core.delivery import Otherwise, rule_of
from xmppd.core.events import Delivery, Traffic
from xmppd.core.filters import FilterStage
from xmppd.core.hooks import AnyHook, Link, Watcher
from xmppd.core.host import Host
from xmppd.core.registry import SessionRegistry
from xmppd.core.services import Services
from xmppd.core.session import Session
from xmppd.modules.carbons import ENABLED
from xmppd.modules.mam.module import Mam
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.archive.archive import Archive
from xmppd.services.archive.ids import archived_as
from xmppd.services.inbox.kept import KEPT, Kept
from xmppd.services.push.push import Push
from xmppd.services.push.registrations import Registration
from xmppd.services.stream_management.csi_queue import held_back
from xmppd.stanza.carbon import COPIES
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.importance import Weight, original_of
from xmppd.stanza.jid import JID
from xmppd.stanza.kinds import kind_of
from xmppd.stanza.ns import CLIENT
from xmppd.stanza.reasons import (
    why_held,
    why_not_archivable,
    why_not_copied,
    why_not_kept,
    why_not_waking,
)
from xmppd.stanza.stanza import Stanza

ARCHIVED, COPIED, GIVEN, HELD, KEPT_FOR_LATER = "archived", "copied", "given", "held back", "kept"
PUSHED, TAKEN = "pushed", "let through"
NOT_LOADED: Final = "the module {} is not loaded"


class Reasons:
    """One who wants to know; *tell* gets a `Reason` for each thing that became of a message, or did not."""

    def __init__(
        self,
        host: Host,
        registry: SessionRegistry,
        services: Services,
        who: JID,
        tell: Callable[[Reason], None],
    ):
        self._host = host
        self._registry = registry
        self._archive = services[Archive]
        self._accounts = services[Accounts]
        self._push = services[Push]
        self._who = who
        self._owner = who.bare
        self._tell = tell
        self._watched: tuple[tuple[AnyHook, Watcher], ...] = (
            (events.CLIENT_STANZA, self._on_sending),
            (events.FOREIGN_MESSAGE, self._on_arriving),
            (events.ACCOUNT_STANZA, self._on_arriving),
            (events.MESSAGE_DELIVERING, self._on_delivering),
            (events.MESSAGE_UNDELIVERED, self._on_undelivered),
        )

    def start(self) -> None:
        """Begin, with the sessions that are there and those that come."""
        hooks = self._host.hooks
        for hook, told in self._watched:
            hooks.watch(hook, told)
        hooks.add(events.MESSAGE_REFUSED, self._on_refused)
        hooks.add(events.RESOURCE_BOUND, self._on_bound)
        hooks.add(KEPT, self._on_kept)
        self._push.watchers.append(self._on_push)
        for session in self._registry.resources(self._owner):
            self._on_bound(session)

    def stop(self) -> None:
        """Leave nothing behind."""
        hooks = self._host.hooks
        for hook, told in self._watched:
            hooks.unwatch(hook, told)
        hooks.remove(events.MESSAGE_REFUSED, self._on_refused)
        hooks.remove(events.RESOURCE_BOUND, self._on_bound)
        hooks.remove(KEPT, self._on_kept)
        self._push.watchers.remove(self._on_push)
        for session in self._registry.resources(self._owner):
            session.remove_filter(self._on_sent)

    # -- what the account sends ---------------------------------------------------------------------------------------

    def _on_sending(self, link: Link | None, traffic: Traffic, answer: object) -> None:
        if traffic.stanza.name != "message" or traffic.sender.bare != self._owner:
            return
        if link is not None:
            self._ended(link, traffic.stanza, answer)
            return
        stanza = traffic.stanza
        if traffic.target.bare != self._owner:  # else it comes back, and is told of then
            self._say_archived(stanza, archived_as(traffic.changes, self._owner), traffic.target)
            self._say_not_copied(stanza, [traffic.origin], is_sent=True)

    def _on_refused(self, traffic: Traffic) -> None:
        """The account's own message is answered with an error, whoever has refused it."""
        if traffic.target.bare == self._owner:
            error = traffic.stanza.child("error", CLIENT)
            told = "" if error is None else ", ".join(child.text or child.name for child in error.elements())
            self._say(traffic.stanza, TAKEN, f"its sender gets an error: {told}", is_so=False)

    # -- what comes for it --------------------------------------------------------------------------------------------

    def _on_arriving(self, link: Link | None, traffic: Traffic, answer: object) -> None:
        if link is not None and traffic.stanza.name == "message" and traffic.target.bare == self._owner:
            self._ended(link, traffic.stanza, answer)

    def _on_delivering(self, link: Link | None, delivery: Delivery, answer: object) -> None:
        if delivery.target.bare != self._owner:
            return
        if link is not None:
            self._ended(link, delivery.stanza, answer)
            return
        stanza, archive_id = delivery.stanza, archived_as(delivery.changes, self._owner)
        self._say_archived(stanza, archive_id, delivery.sender)
        self._say_not_copied(stanza, [*delivery.sessions, delivery.origin], is_sent=False)
        if delivery.sessions:
            self._say_not_pushed(stanza, is_waiting=archive_id is not None)
            return
        rule = rule_of(stanza, delivery.target)
        if not self._accounts.exists(self._owner):
            self._say(stanza, KEPT_FOR_LATER, "there is no such account", is_so=False)
        elif rule.otherwise is not Otherwise.KEEP:
            why = f"no client takes it, and by its type {rule.otherwise.value} (RFC 6121 8.5)"
            self._say(stanza, KEPT_FOR_LATER, why, is_so=False)

    def _on_undelivered(self, link: Link | None, delivery: Delivery, answer: object) -> None:
        if delivery.target.bare != self._owner:
            return
        stanza = delivery.stanza
        if link is None:
            missing = None if "offline" in self._host.modules else NOT_LOADED.format("offline")
            why = why_not_kept(stanza) or missing or "nobody keeps it"
            self._say(stanza, KEPT_FOR_LATER, f"{why}; its sender gets an error", is_so=False)
        elif isinstance(answer, StanzaError):
            self._say(stanza, KEPT_FOR_LATER, answer.text or answer.condition, is_so=False)
        elif answer is True and not kind_of(stanza).is_durable:
            self._say(stanza, KEPT_FOR_LATER, f"no client takes it, and {why_not_kept(stanza)}", is_so=False)

    def _on_kept(self, kept: Kept) -> None:
        if kept.owner.bare != self._owner:
            return
        for stanza in kept.stanzas:
            self._say(stanza, KEPT_FOR_LATER, "no client is there that takes it", is_so=True)
            self._say_not_pushed(stanza, is_waiting=True)

    # -- what its clients are sent ------------------------------------------------------------------------------------

    def _on_bound(self, session: Session) -> None:
        if session.bare_jid == self._owner:
            session.add_filter(FilterStage.WATCH, self._on_sent)

    def _on_sent(self, session: Session, x: Stanza | bytes) -> Stanza | bytes:
        if not isinstance(x, bytes):
            self._look_at(session, x)
        return x

    def _look_at(self, session: Session, stanza: Stanza) -> None:
        held, whose = held_back(session), session.full_jid or ""
        weight = Weight.NOW if held is None else held.weight_of(stanza)
        why = why_held(original_of(stanza), weight)
        if why is not None:
            so = "dropped" if weight is Weight.NEVER else "it waits"
            self._say(stanza, HELD, f"the client is inactive, and {why}: {so}", whose, is_so=True)
        if stanza.name != "message" or weight is not Weight.NOW:
            return
        if not COPIES.isdisjoint(stanza.child_names):
            self._say(original_of(stanza), COPIED, "the client has carbons enabled", whose, is_so=True)
        elif stanza.type != "error":
            self._say(stanza, GIVEN, _how(session), whose, is_so=session.conn is not None)

    # -- the words ----------------------------------------------------------------------------------------------------

    def _ended(self, link: Link, stanza: Stanza, answer: object) -> None:
        """A handler before the last one took a message, or refused it."""
        by = f"{link.module or 'the server'} ({link.station.name if link.station else 'no station'})"
        if isinstance(answer, StanzaError):
            self._say(stanza, TAKEN, f"{by} refuses it: {answer.text or answer.condition}", is_so=False)
        elif answer is not None:
            self._say(stanza, TAKEN, f"{by} deals with it", is_so=False)

    def _say_archived(self, stanza: Stanza, archive_id: str | None, other: JID) -> None:
        if archive_id is not None:
            self._say(stanza, ARCHIVED, f"with the id {archive_id}", is_so=True)
            return
        mam = self._host.modules.get(Mam.name)
        if isinstance(mam, Mam):
            why = why_not_archivable(stanza) or self._archive.why_unwanted(
                self._owner, other, mam.opt.default
            )
            why = why or "there is no account to archive it for"
        else:
            why = NOT_LOADED.format(Mam.name)
        self._say(stanza, ARCHIVED, why, is_so=False)

    def _say_not_copied(self, stanza: Stanza, parties: list[Session | None], *, is_sent: bool) -> None:
        """For each client that has no part in a message: why it is sent no copy; copies are seen when they are sent."""
        others = [each for each in self._registry.resources(self._owner) if each not in parties]
        if not others:
            self._say(stanza, COPIED, "no other client is connected", is_so=False)
            return
        if "carbons" not in self._host.modules:
            self._say(stanza, COPIED, NOT_LOADED.format("carbons"), is_so=False)
            return
        why = why_not_copied(stanza, is_sent=is_sent)
        for session in others:
            if session.attached(ENABLED) is None:
                self._say(stanza, COPIED, "the client has not enabled carbons", session.full_jid, is_so=False)
            elif why is not None:
                self._say(stanza, COPIED, why, session.full_jid, is_so=False)

    def _say_not_pushed(self, stanza: Stanza, *, is_waiting: bool) -> None:
        why = why_not_waking(stanza)
        if "push" not in self._host.modules:
            why = NOT_LOADED.format("push")
        elif why is None and not is_waiting:
            why = "its clients that are connected have taken it, and the archive does not keep it for others"
        elif why is None and not self._push.may_have(self._owner):
            why = "no client has registered a push service"
        if why is not None:
            self._say(stanza, PUSHED, why, is_so=False)

    def _on_push(self, owner: JID, stanza: Stanza, told: Mapping[Registration, bool]) -> None:
        if owner.bare != self._owner:
            return
        stanza = original_of(stanza)
        if not told:
            self._say(stanza, PUSHED, "each client with a push service is there, or was told", is_so=False)
        for registration, is_now in told.items():
            when = "is told now" if is_now else "is told soon, with what else comes"
            whose = f"{self._owner}/{registration.client}"
            self._say(stanza, PUSHED, f"{registration.jid} {when}", whose, is_so=True)

    def _say(self, stanza: Stanza, what: str, why: str, whose: str | None = None, *, is_so: bool) -> None:
        self._tell(
            {
                "jid": whose or self._owner,
                "stanza": stanza.name,
                "type": stanza.type or "",
                "id": stanza.id or "",
                "sender": stanza.from_ or "",
                "recipient": stanza.to or "",
                "what": what,
                "is_so": is_so,
                "why": why,
            }
        )


def _how(session: Session) -> str:
    if session.conn is None:
        return "the client has no connection, and gets it if it resumes its stream (XEP-0198)"
    if session.ledger is None:
        return "the client is connected, and does not acknowledge"
    return "the client is connected; it is kept until it is acknowledged (XEP-0198)"

"""The hooks that the core calls, and what it hands over.

Hooks about one stanza are *asked*: an answer other than None ends the chain, a `StanzaError` goes to the sender.
Hooks about a life (bound, unbound, …) are *notified*. Hooks of a service live beside the service.
"""

from collections.abc import Callable, Sequence

from xmppd.core.holding import Held
from xmppd.core.hooks import Hook
from xmppd.core.host import Host
from xmppd.core.inlet import Inlet
from xmppd.core.session import Session
from xmppd.core.stations import (
    ACTING,
    ARCHIVING,
    BLOCKING,
    CLEANING,
    COPYING,
    KEEPING,
    NOTING,
    RECORDING,
    SETTLING,
    SHOWING,
    STORING,
    SUBSCRIBING,
    WAKING,
)
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.jid import JID
from xmppd.stanza.layout import read_children
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Change


class Traffic:
    """A stanza on its way: who sent it, to whom, from which session where the sender is a local client (`origin`).

    Stanzas never change; a handler that must alter the content puts another stanza into `stanza`. What must outlive
    the server because of this stanza (archive, offline store, queues) is put into `changes`: all of it is committed in
    one transaction once the stanza is routed, and only then does the `inlet` acknowledge what came in by it: the
    client's session, or the stream of another server or a component; None for what this server sends of its own.
    Routing does not wait for the commit; what has changed in memory meanwhile is taken back where it fails
    (`undo_with`). `hops` counts the stanzas that have become this one (`Router.forward`). `held` is what holds back the
    commit, where a door knows that it may not be needed.
    """

    __slots__ = ("changes", "held", "hops", "inlet", "origin", "sender", "stanza", "target", "undoing")

    def __init__(
        self, stanza: Stanza, sender: JID, target: JID, origin: Session | None, inlet: Inlet | None = None
    ):
        """*inlet* is the session of *origin* where there is one, unless it is given."""
        self.changes: list[Change] = []
        self.stanza = stanza
        self.sender = sender
        self.target = target
        self.origin = origin
        self.inlet = origin if inlet is None else inlet
        self.hops = 0
        self.held: Held | None = None
        self.undoing: tuple[Callable[[], object], ...] = ()

    def undo_with(self, *undoing: Callable[[], object]) -> None:
        """Have these called, the latest first, where the stanza is refused or its changes cannot be committed.

        Before the sender hears of it. Not of a `Delivery`, of which the commit knows nothing.
        """
        self.undoing = (*self.undoing, *undoing)

    def undo(self) -> None:
        """Take back what was changed in memory; once."""
        undoing, self.undoing = self.undoing, ()
        for undo in reversed(undoing):
            undo()


class Delivery(Traffic):
    """A message for a local account, with the sessions that get it (RFC 6121 8.5); empty where none does.

    Where somebody has to know who got it, that is in `record`, and `hand_over` sends it to its sessions: whether there
    was any. What keeps it goes into the changes then.
    """

    __slots__ = ("hand_over", "record", "sessions")

    def __init__(self, traffic: Traffic, sessions: Sequence[Session]):
        self.changes = traffic.changes
        self.stanza = traffic.stanza
        self.sender = traffic.sender
        self.target = traffic.target
        self.origin = traffic.origin
        self.inlet = traffic.inlet
        self.hops = traffic.hops
        self.held = traffic.held
        self.undoing = ()
        self.sessions = sessions
        self.record: object = None
        self.hand_over: Callable[[Delivery], bool] | None = None


class IQRequest:
    """An IQ get or set that reached its handler (RFC 6120 8.2.3): exactly one payload, sender and target known."""

    __slots__ = ("_payload", "host", "origin", "sender", "stanza", "target")

    def __init__(self, stanza: Stanza, sender: JID, target: JID, origin: Session | None, host: Host):
        self.stanza = stanza
        self.sender = sender
        self.target = target
        self.origin = origin
        self.host = host
        self._payload: Element | None = None

    @property
    def payload(self) -> Element:
        """The one child element of the request, parsed when first asked for."""
        if self._payload is None:
            try:
                self._payload = parse_element(self.stanza.inner)
            except ValueError:  # there is text beside it
                self._payload = next(self.stanza.element.elements())
        return self._payload

    @property
    def raw_payload(self) -> bytes:
        """The one child element of the request as it came, to stand under the content namespace."""
        inner = self.stanza.inner
        child = read_children(inner)[0]
        return inner[child.start : child.end]

    @property
    def is_own(self) -> bool:
        """Whether the account asked is the sender's own."""
        return self.sender.bare == self.target.bare


IQAnswerer = Callable[[IQRequest], object]
"""A handler of IQs: gives the payload of the result, or a Deferred of it (see `xmppd.core.module.iq`)."""

CLIENT_STANZA = Hook[Traffic](
    "client-stanza",
    "Asked for each message, presence and IQ that a local client sends to somebody, before it is routed, at the "
    "sender's host. True: it has been dealt with.",
    BLOCKING,
    CLEANING,
    ACTING,
    ARCHIVING,
    COPYING,
)
FOREIGN_MESSAGE = Hook[Traffic](
    "foreign-message",
    "Asked for each message to a local account that no client of this server sends: another server's, a service's. "
    "Before account-stanza, at the recipient's host. True: it has been dealt with.",
    ACTING,
)
ACCOUNT_STANZA = Hook[Traffic](
    "account-stanza",
    "Asked for each message and IQ addressed to a local account, bare or full, before it is delivered, at the "
    "recipient's host. True: it has been dealt with.",
    BLOCKING,
    CLEANING,
    ACTING,
)
CLIENT_PRESENCE = Hook[Traffic](
    "client-presence",
    "Asked for each presence stanza of a local client, undirected (the target is its own bare JID), directed or about "
    "subscriptions, at the sender's host. True: it has been dealt with.",
    NOTING,
    SUBSCRIBING,
    SHOWING,
)
ACCOUNT_PRESENCE = Hook[Traffic](
    "account-presence",
    "Asked for each presence stanza addressed to a local account, bare or full, at the recipient's host. True: it has "
    "been dealt with.",
    BLOCKING,
    NOTING,
    SUBSCRIBING,
    SHOWING,
)
MESSAGE_DELIVERING = Hook[Delivery](
    "message-delivering",
    "Asked for each message to a local account once its sessions are chosen and before it is written to them, at the "
    "recipient's host. True: nothing is left to do.",
    ACTING,
    ARCHIVING,
    WAKING,
    RECORDING,
    COPYING,
)
MESSAGE_UNDELIVERED = Hook[Delivery](
    "message-undelivered",
    "Asked for each message to an existing account that no resource takes. True: somebody keeps it. Without an answer "
    "the rules of RFC 6121 8.5 apply.",
    ACTING,
    STORING,
)
MESSAGE_REFUSED = Hook[Traffic](
    "message-refused",
    "Notified after a message of a local client was answered with an error of ours: the stanza is that error, the "
    "target is the client that gets it.",
)
HOST_STANZA = Hook[Traffic](
    "host-stanza",
    "Asked for each message, presence and IQ request addressed to a domain with accounts itself, at that host; for an "
    "IQ before its handler. True: it has been dealt with.",
)
UNBOUND_STANZA = Hook[Traffic](
    "unbound-stanza",
    "Asked for each IQ of a client that has not bound a resource yet, addressed to its server or its own account; the "
    "sender is the host, or the account once it is authenticated. True: it has been dealt with.",
)
SESSION_OPENED = Hook[Session](
    "session-opened", "Notified when a client stream to this host is authenticated."
)
RESOURCE_BOUND = Hook[Session](
    "resource-bound",
    "Notified when a session has become a connected resource, before the bind result is sent.",
)
SESSION_DETACHED = Hook[Session](
    "session-detached",
    "Asked when the connection of a connected resource is lost without an end tag. True: the session lives on "
    "without a connection; otherwise it is destroyed.",
    NOTING,
    KEEPING,
)
SESSION_RESUMED = Hook[Session](
    "session-resumed",
    "Notified when a session that had no connection has one again, and its client was sent all that waited for it.",
)
RESOURCE_UNBOUND = Hook["Unbound"](
    "resource-unbound",
    "Notified when a connected resource has left the registry, once for each that was bound.",
    SETTLING,
    NOTING,
)


class Unbound:
    """A session that has left the registry, with the status text to tell others; its fields still stand."""

    __slots__ = ("session", "status")

    def __init__(self, session: Session, status: str | None):
        self.session = session
        self.status = status

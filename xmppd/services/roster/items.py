"""A roster and its items as they lie in memory (RFC 6121 2.1), and how an item is stored and shown.

A roster is one object for an account, shared by all that use it. Its items are tuples; whoever holds one may keep it.
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

from xmppd.services.roster.subscription_states import State
from xmppd.stanza.element import Element, escape_attr, escape_text

NS = "jabber:iq:roster"
NO_SHARED: Mapping[str, "RosterItem"] = {}
SUBSCRIPTIONS = {name: name for name in ("none", "to", "from", "both")}
"""The values of the subscription attribute, one object each."""
DIGEST_BYTES = 16


class RosterItem(NamedTuple):
    """A contact (RFC 6121 2.1.2)."""

    jid: str
    name: str | None = None
    subscription: str = "none"
    ask: bool = False
    """A request of ours is unanswered."""
    approved: bool = False
    """A request of the contact is approved in advance (3.4)."""
    groups: tuple[str, ...] = ()


class Roster:
    """An account's contacts, and the requests that wait for its answer. Changed by the roster service alone."""

    __slots__ = (
        "__weakref__",
        "_digest",
        "_pending",
        "_shared",
        "_stored",
        "_subscribers",
        "_subscriptions",
        "owner",
    )

    def __init__(self, owner: str, pending: Mapping[str, bytes] | None = None):
        """*owner* is a bare JID, *pending* are the stanzas of requests by bare JID; items come by `put`."""
        self.owner = owner
        self._stored: dict[str, RosterItem] = {}
        self._shared = NO_SHARED
        self._pending = dict(pending or {})
        self._digest = 0
        self._subscribers: tuple[str, ...] | None = None
        self._subscriptions: tuple[str, ...] | None = None

    def __len__(self) -> int:
        """How many contacts the account has of its own, without those it shares a group with."""
        return len(self._stored)

    def item(self, jid: str) -> RosterItem | None:
        """Give the contact with this bare JID."""
        return self._shared.get(jid) or self._stored.get(jid)

    def items(self) -> Iterator[RosterItem]:
        """Give all contacts."""
        yield from self._shared.values()
        for jid, item in self._stored.items():
            if jid not in self._shared:
                yield item

    def stored(self) -> tuple[RosterItem, ...]:
        """Give the contacts that the account has of its own."""
        return tuple(self._stored.values())

    def is_shared(self, jid: str) -> bool:
        """Whether this contact comes from a shared group, so that no client can change it."""
        return jid in self._shared

    def may_see_presence(self, bare_jid: str) -> bool:
        """Whether this contact has a subscription to the account's presence; the account itself has."""
        return bare_jid == self.owner or self._subscription(bare_jid) in ("from", "both")

    def sees_presence_of(self, bare_jid: str) -> bool:
        """Whether the account has a subscription to this contact's presence."""
        return bare_jid == self.owner or self._subscription(bare_jid) in ("to", "both")

    @property
    def subscribers(self) -> tuple[str, ...]:
        """The bare JIDs of all that have a subscription to the account's presence."""
        known = self._subscribers
        if known is None:
            known = tuple(item.jid for item in self.items() if item.subscription in ("from", "both"))
            self._subscribers = known
        return known

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """The bare JIDs of all whose presence the account has a subscription to."""
        known = self._subscriptions
        if known is None:
            known = tuple(item.jid for item in self.items() if item.subscription in ("to", "both"))
            self._subscriptions = known
        return known

    @property
    def pending(self) -> Mapping[str, bytes]:
        """The requests that wait for an answer: bare JID → the whole stanza as it is kept."""
        return self._pending

    @property
    def version(self) -> str:
        """The version of RFC 6121 2.6: equal where all items are, and for nothing else in practice."""
        return f"{self._digest % (1 << 8 * DIGEST_BYTES):0{2 * DIGEST_BYTES}x}"

    def state(self, jid: str) -> State:
        """Give the state of the subscription to and from this contact (A.1)."""
        item = self.item(jid)
        asked = jid in self._pending
        return State("none", False, asked) if item is None else State(item.subscription, item.ask, asked)

    def _subscription(self, jid: str) -> str:
        item = self.item(jid)
        return "none" if item is None else item.subscription

    # -- for the roster service ---------------------------------------------------------------------------------------

    def put(self, jid: str, item: RosterItem | None) -> None:
        """Put *item* in the place of what was stored under *jid*; None takes it away."""
        old = self._stored.pop(jid, None) if item is None else self._stored.get(jid)
        if item is not None:
            self._stored[jid] = item
        self._digest += (0 if item is None else _digest(item)) - (0 if old is None else _digest(old))
        self._subscribers = self._subscriptions = None

    def put_request(self, jid: str, request: bytes | None) -> None:
        """Keep a request as pending; None takes it away."""
        if request is None:
            self._pending.pop(jid, None)
        else:
            self._pending[jid] = request

    def share(self, items: Mapping[str, RosterItem]) -> None:
        """Take *items* as the contacts of shared groups, in place of those before."""
        self._digest += sum(map(_digest, items.values())) - sum(map(_digest, self._shared.values()))
        self._shared = items
        self._subscribers = self._subscriptions = None


def encode(item: RosterItem) -> bytes:
    """Give an item as it is stored, without its JID: JSON, without what has its usual value."""
    values = {key: value for key, value in item._asdict().items() if value != DEFAULTS.get(key)}
    del values["jid"]
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()


DEFAULTS = RosterItem("")._asdict()


def decode(jid: str, data: bytes, seen: dict[tuple[str, ...], tuple[str, ...]] | None = None) -> RosterItem:
    """Give the item that `encode` wrote; ValueError where it is none.

    Groups that are in *seen* are not made again; the others are put there.
    """
    try:
        values = json.loads(data)
        name = values.get("name")
        groups = tuple(map(str, values.get("groups", ())))
        return RosterItem(
            jid,
            None if name is None else str(name),
            SUBSCRIPTIONS[values.get("subscription", "none")],
            bool(values.get("ask")),
            bool(values.get("approved")),
            groups if seen is None else seen.setdefault(groups, groups),
        )
    except (AttributeError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(f"not a roster item: {error!r}") from error


def item_xml(item: RosterItem) -> str:
    """Give the ``<item/>`` of an answer or a push, to stand in the roster's namespace (RFC 6121 2.1.2)."""
    attrs = f"jid='{escape_attr(item.jid)}' subscription='{item.subscription}'"
    if item.name is not None:
        attrs += f" name='{escape_attr(item.name)}'"
    if item.ask:
        attrs += " ask='subscribe'"
    if item.approved:
        attrs += " approved='true'"
    if not item.groups:
        return f"<item {attrs}/>"
    groups = "".join([f"<group>{escape_text(group)}</group>" for group in item.groups])
    return f"<item {attrs}>{groups}</item>"


class Query(Element):
    """The ``<query/>`` around items that are written already: it is never parsed again on its way out."""

    __slots__ = ("_data",)

    def __init__(self, content: bytes, version: str | None):
        """*content* is what `item_xml` gave, encoded."""
        super().__init__("query", NS)
        ver = b"" if version is None else b" ver='%b'" % version.encode()
        self._data = b"<query xmlns='%b'%b>%b</query>" % (NS.encode(), ver, content)

    def to_bytes(self, parent_ns: str = "") -> bytes:
        """This element as UTF-8; it declares its namespace wherever it stands."""
        return self._data


def _digest(item: RosterItem) -> int:
    return int.from_bytes(blake2b(repr(tuple(item)).encode(), digest_size=DIGEST_BYTES).digest(), "big")

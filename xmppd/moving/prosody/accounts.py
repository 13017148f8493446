"""What Prosody's stores of an account mean: each store that is known by its name, all others are told of."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from xmppd.moving import model
from xmppd.moving.lua import Table, raw
from xmppd.moving.names import jid_or_none, other_side
from xmppd.moving.prosody.data import ACCOUNTS, ProsodyData, element_of
from xmppd.moving.prosody.nodes import PREFIX, nodes
from xmppd.services.pubsub.items import payload_of
from xmppd.services.roster.items import SUBSCRIPTIONS, RosterItem
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.stream.sasl.credentials import HASHES, Credentials, ScramKeys, key_bytes

READ: Final = frozenset(
    (
        ACCOUNTS,
        "roster",
        "vcard",
        "private",
        "blocklist",
        "offline",
        "archive",
        "archive_prefs",
        "pep",
        "lastlog2",
    )
)
PASSED_OVER: Final = frozenset(("smacks_h", "account_flags", "lastlog", "pubsub_nodes", "csi", "cron"))
"""What means nothing on another server."""


def is_known(store: str) -> bool:
    """Whether a store of accounts is read, or needs not be."""
    return store in READ or store in PASSED_OVER or store.startswith(PREFIX)


def account(data: ProsodyData, jid: JID, host: str, user: str) -> model.Account | model.NotCarried:
    """Give the account of a *user* as Prosody calls it."""
    try:
        stored = data.table(host, user, ACCOUNTS)
        credentials = _credentials(stored)
    except ValueError as error:
        return model.NotCarried("accounts that cannot be read", str(error))
    password = stored.get("password")
    created = stored.get("created")
    return model.Account(
        jid,
        credentials,
        password if isinstance(password, str) and credentials is None else None,
        float(created) if isinstance(created, int | float) else None,
        stored.get("disabled") is True,
    )


def of_account(
    data: ProsodyData, jid: JID, host: str, user: str, stores: frozenset[str]
) -> Iterator[model.Piece]:
    """Give all that belongs to an account; *stores* are those that its host has."""
    for store, read in _TABLES.items():
        if store in stores:
            try:
                yield from read(jid, data.table(host, user, store))
            except (ValueError, TypeError, AttributeError) as error:
                yield model.NotCarried(f"tables {store} that cannot be read", f"{jid.bare}: {error}")
    if "offline" in stores:
        yield from _offline(data, jid, host, user)
    yield from nodes(data, jid, host, user, stores)
    if "archive" in stores:
        yield from _archive(data, jid, host, user)


def _credentials(stored: Table) -> Credentials | None:
    """SCRAM keys in hexadecimal, the salt as it is; the hash is told by the length of the keys."""
    if not isinstance(stored.get("stored_key"), str) or not isinstance(stored.get("server_key"), str):
        return None
    stored_key, server_key = bytes.fromhex(stored["stored_key"]), bytes.fromhex(stored["server_key"])
    hash_name = next((name for name in HASHES if key_bytes(name) == len(stored_key) == len(server_key)), None)
    iterations = stored.get("iteration_count")
    if hash_name is None or not isinstance(iterations, int | float) or not stored.get("salt"):
        raise ValueError("the keys of the password are not of a hash that is known")
    return Credentials({hash_name: ScramKeys(raw(stored["salt"]), int(iterations), stored_key, server_key)})


def _roster(jid: JID, stored: Table) -> Iterator[model.Piece]:
    own = stored.get(False)
    for key, item in stored.items():
        if isinstance(key, str) and isinstance(item, dict) and key != "pending":
            contact = jid_or_none(key)
            if contact is None or item.get("subscription", "none") not in SUBSCRIPTIONS:
                yield model.NotCarried("contacts that are none", f"{key!r} of {jid.bare}")
            elif contact.bare != jid.bare:
                yield model.Contact(_item(contact.bare, item))
    pending = own.get("pending", {}) if isinstance(own, dict) else stored.get("pending", {})
    for key, request in pending.items():
        sender = jid_or_none(key)
        if sender is not None:
            yield _request(jid, sender.with_resource(None), request)


def _item(contact: str, item: Mapping[Any, Any]) -> RosterItem:
    name = item.get("name")
    groups = item.get("groups") or {}
    return RosterItem(
        contact,
        name if isinstance(name, str) and name else None,
        SUBSCRIPTIONS[item.get("subscription", "none")],
        item.get("ask") == "subscribe",
        bool(item.get("approved")),
        tuple(sorted(each for each in groups if isinstance(each, str))),
    )


def _request(jid: JID, sender: JID, request: object) -> model.Request:
    """Since 0.12 the whole presence is kept, before only who has sent it."""
    if isinstance(request, dict) and request.get("name") == "presence":
        stanza = Stanza.from_element(element_of(request))
        return model.Request(sender, stanza.replace(from_=sender.bare, to=jid.bare))
    return model.Request(sender, Stanza.make("presence", from_=sender.bare, to=jid.bare, type="subscribe"))


def _vcard(jid: JID, stored: Table) -> Iterator[model.Piece]:
    if stored:
        yield model.VCard(payload_of(element_of(stored)))


def _private(jid: JID, stored: Table) -> Iterator[model.Piece]:
    for each in stored.values():
        if isinstance(each, dict):
            element = element_of(each)
            yield model.Private(element.name, element.ns, payload_of(element))


def _blocklist(jid: JID, stored: Table) -> Iterator[model.Piece]:
    for key in stored:
        if isinstance(key, str):
            blocked = jid_or_none(key)
            yield (
                model.NotCarried("blocked addresses that are none", repr(key))
                if blocked is None
                else model.Blocked(blocked)
            )


def _archive_rules(jid: JID, stored: Table) -> Iterator[model.Piece]:
    default = {True: "always", "roster": "roster", None: ""}.get(stored.get(False), "never")
    by_choice = {
        choice: frozenset(key for key, value in stored.items() if isinstance(key, str) and value is choice)
        for choice in (True, False)
    }
    if default or by_choice[True] or by_choice[False]:
        yield model.ArchiveRules(default, by_choice[True], by_choice[False])


def _last_seen(jid: JID, stored: Table) -> Iterator[model.Piece]:
    """Since 13: what happened last, each with its time."""
    times = [each.get("timestamp") for each in stored.values() if isinstance(each, dict)]
    known = [float(each) for each in times if isinstance(each, int | float)]
    if known:
        yield model.LastSeen(max(known))


_TABLES: Final[Mapping[str, Callable[[JID, Table], Iterator[model.Piece]]]] = {
    "roster": _roster,
    "blocklist": _blocklist,
    "vcard": _vcard,
    "private": _private,
    "lastlog2": _last_seen,
    "archive_prefs": _archive_rules,
}


def _offline(data: ProsodyData, jid: JID, host: str, user: str) -> Iterator[model.Piece]:
    for kept in data.archive(host, user, "offline"):
        try:
            if isinstance(kept, ValueError):
                raise kept
            yield model.Offline(kept.at, Stanza.from_element(kept.element))
        except ValueError as error:
            yield model.NotCarried("offline messages that cannot be read", f"{jid.bare}: {error}")


def _archive(data: ProsodyData, jid: JID, host: str, user: str) -> Iterator[model.Piece]:
    for kept in data.archive(host, user, "archive"):
        try:
            if isinstance(kept, ValueError):
                raise kept
            stanza = Stanza.from_element(kept.element)
            other = other_side(jid.bare, stanza, kept.with_jid)
            bare = "" if other is None else other.bare
            yield model.Archived(kept.key, kept.at, bare, (other and other.resourcepart) or "", stanza)
        except ValueError as error:
            yield model.NotCarried("archived messages that cannot be read", f"{jid.bare}: {error}")

"""What the records of an account mean, table by table."""

from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from xmppd.moving import model
from xmppd.moving.ejabberd.records import Record, element_of, jid_of, stanza_of, text, time_of
from xmppd.services.pubsub.items import payload_of
from xmppd.services.roster.items import SUBSCRIPTIONS, RosterItem
from xmppd.stanza.element import Element
from xmppd.stanza.jid import JID
from xmppd.stanza.ns import CLIENT
from xmppd.stanza.stanza import Stanza
from xmppd.stream.sasl.credentials import Credentials, ScramKeys

_HASHES: Final = {"sha": "SHA-1", "sha256": "SHA-256", "sha512": "SHA-512"}
_ASKED: Final = ("in", "both")
_ASKS: Final = ("out", "both", "subscribe")
_OLD_SCRAM, _SCRAM = 5, 6
"""The size of a record of keys before it named its hash, and since."""


def account(jid: JID, records: Iterable[Record]) -> model.Account:
    """Give the account of its record, or records: newer versions have one for each hash. ValueError."""
    keys: dict[str, ScramKeys] = {}
    password = None
    for record in records:
        stored = record.get("password")
        if isinstance(stored, tuple):
            hash_name, found = _keys(stored)
            keys[hash_name] = found
        else:
            password = text(stored)
    return model.Account(jid, Credentials(keys) if keys else None, None if keys else password)


def _keys(stored: tuple[Any, ...]) -> tuple[str, ScramKeys]:
    if len(stored) not in (_OLD_SCRAM, _SCRAM) or stored[0] != "scram":
        raise ValueError("the keys of the password are of a kind that is not known")
    hash_name = _HASHES[stored[4]] if len(stored) == _SCRAM else "SHA-1"
    stored_key, server_key, salt = (b64decode(each, validate=True) for each in stored[1:4])
    return hash_name, ScramKeys(salt, int(stored[-1]), stored_key, server_key)


def contact(jid: JID, record: Record) -> Iterator[model.Piece]:
    """A contact, a request that waits for an answer, or both."""
    other, ask = jid_of(record.get("jid")), record.get("ask")
    name, groups = text(record.get("name")), tuple(map(text, record.get("groups")))
    subscription = str(record.get("subscription"))
    is_request_alone = subscription == "none" and ask == "in" and not name and not groups
    if other.bare != jid.bare and subscription in SUBSCRIPTIONS and not is_request_alone:
        yield model.Contact(
            RosterItem(other.bare, name or None, SUBSCRIPTIONS[subscription], ask in _ASKS, False, groups)
        )
    if ask in _ASKED:
        said = text(record.get("askmessage") or b"")
        status = [Element("status", CLIENT, None, [said])] if said else []
        stanza = Stanza.make("presence", *status, from_=other.bare, to=jid.bare, type="subscribe")
        yield model.Request(other.with_resource(None), stanza)


def privacy(jid: JID, record: Record) -> Iterator[model.Piece]:
    """Whom the default list denies altogether is blocked."""
    for name, items in record.get("lists"):
        if name != record.get("default"):
            yield model.NotCarried("privacy lists that are not the default", f"{text(name)} of {jid.bare}")
            continue
        for item in items:
            _, kind, value, action, _, is_all, *parts = item
            if kind == "jid" and action == "deny" and (is_all == "true" or set(parts) == {"true"}):
                yield model.Blocked(jid_of(value))
            elif action == "deny" or kind != "none":
                yield model.NotCarried("rules of privacy lists", f"{action} {kind}, {jid.bare}")


def vcard(jid: JID, record: Record) -> Iterator[model.Piece]:
    """A vCard."""
    yield model.VCard(payload_of(element_of(record.get("vcard"))))


def private(jid: JID, record: Record) -> Iterator[model.Piece]:
    """An element of private XML."""
    element = element_of(record.get("xml"))
    yield model.Private(element.name, element.ns, payload_of(element))


def last_seen(jid: JID, record: Record) -> Iterator[model.Piece]:
    """When the account was last there."""
    yield model.LastSeen(time_of(record.get("timestamp")), text(record.get("status")))


def archive_rules(jid: JID, record: Record) -> Iterator[model.Piece]:
    """Whose messages are archived."""
    always, never = (
        frozenset(jid_of(each).full for each in record.get(name)) for name in ("always", "never")
    )
    yield model.ArchiveRules(str(record.get("default")), always, never)


def offline(jid: JID, record: Record) -> Iterator[model.Piece]:
    """An offline message; what ejabberd adds for an older kind of archive goes."""
    stanza = stanza_of(record.get("packet"))
    ours = stanza.without(lambda ns, name, index: (name, ns) == ("archived", "urn:xmpp:mam:tmp"))
    yield model.Offline(time_of(record.get("timestamp")), ours)


def archived(jid: JID, record: Record) -> Iterator[model.Piece]:
    """A message of the archive."""
    other = jid_of(record.get("peer"))
    yield model.Archived(
        text(record.get("id")),
        time_of(record.get("timestamp")),
        other.bare,
        other.resourcepart or "",
        stanza_of(record.get("packet")),
    )


Meaning = Callable[[JID, Record], Iterator[model.Piece]]
TABLES: Final[Mapping[str, Meaning]] = {
    "roster": contact,
    "privacy": privacy,
    "vcard": vcard,
    "private_storage": private,
    "last_activity": last_seen,
    "archive_prefs": archive_rules,
    "offline_msg": offline,
}
"""In the order in which they are given; nodes come behind them, then the archive."""

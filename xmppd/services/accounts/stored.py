"""How an account is stored: its name with the host, so that all names of a host are one read; its keys with itself.

``lacking`` belongs to the host, too: which accounts have no keys for a hash of SCRAM that this program knows, since
they came from a server without it. What is offered on a host is what all of its accounts can use.
"""

import json
from collections.abc import Mapping
from typing import Final

from xmppd.stanza.jid import JID
from xmppd.storage.interface import Change, Delete, Put
from xmppd.stream.sasl.credentials import HASHES, Credentials

ACCOUNTS: Final = "accounts"
DISABLED: Final = "disabled"
TOMBSTONES: Final = "tombstones"
CREDENTIALS: Final = "credentials"
LACKING: Final = "lacking"


def creation(jid: JID, credentials: Credentials, created_at: float) -> list[Change]:
    """Give what makes an account; its name is free again of a tombstone."""
    host, name, lacks = jid.domainpart, jid.localpart or "", lacking(credentials)
    return [
        Put(ACCOUNTS, host, name, written({"created_at": created_at})),
        Put(CREDENTIALS, jid.bare, "", credentials.to_json()),
        Delete(TOMBSTONES, host, name),
        *([Put(LACKING, host, name, " ".join(sorted(lacks)).encode())] if lacks else []),
    ]


def keys(jid: JID, credentials: Credentials) -> list[Change]:
    """Give what keeps other keys of an account's password."""
    lacks = lacking(credentials)
    name = jid.localpart or ""
    return [
        Put(CREDENTIALS, jid.bare, "", credentials.to_json()),
        Put(LACKING, jid.domainpart, name, " ".join(sorted(lacks)).encode())
        if lacks
        else Delete(LACKING, jid.domainpart, name),
    ]


def disabling(jid: JID, at: float, reason: str = "") -> Change:
    """Give what lets nobody in to an account, with a word of why for operators."""
    known: dict[str, object] = {"disabled_at": at}
    if reason:
        known["reason"] = reason
    return Put(DISABLED, jid.domainpart, jid.localpart or "", written(known))


def lacking(credentials: Credentials) -> frozenset[str]:
    """Give the hashes that there are no keys for."""
    return frozenset(HASHES) - credentials.keys()


def written(value: Mapping[str, object]) -> bytes:
    """Write a small record."""
    return json.dumps(value, separators=(",", ":")).encode()


def created_at(data: bytes) -> float:
    """Give when an account was made, by what is stored under its name."""
    return float(json.loads(data)["created_at"])

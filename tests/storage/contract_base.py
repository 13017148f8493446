"""What the contracts of storages share: what they store, and the mixin of tests that they are."""

from typing import Any

from twisted.trial.unittest import TestCase

from xmppd.storage.interface import Append, Change, NewEntry, Selection, Storage

ALICE = "alice@localhost"
BOB = "bob@localhost"
ODD_TEXTS = ("", "a\x01b", "ß\u0301🜁", "'; DROP TABLE kv; --", "%_", "A", "a", " a ", "\U0010ffff")
ODD_BYTES = (b"", b"\x00", bytes(range(256)), b"\xff\xfe<a/>\r\n\t")


def entry(number: int, with_jid: str = BOB, resource: str = "", sent_at: float | None = None) -> NewEntry:
    """The entry that is number *number*, sent so many seconds after 1000."""
    at = 1000.0 + number if sent_at is None else sent_at
    return NewEntry(f"id{number}", at, with_jid, b"<m>%d</m>" % number, b"{}", resource)


def archive(*numbers: int) -> list[Change]:
    """Changes that append these entries to alice's archive."""
    return [Append("archive", ALICE, entry(number)) for number in numbers]


BAD = Append("archive", ALICE, NewEntry("bad", 1.0, "\ud800", b""))
"""A change that cannot be made: a lone surrogate is no text."""


class StorageContract(TestCase):
    """Run by subclasses, which make the storage; without one there is nothing to run."""

    storage: Storage

    async def seqs(self, **conditions: Any) -> list[int]:
        """The numbers of alice's entries that *conditions* select, by their stanzas."""
        how = {name: conditions.pop(name) for name in ("limit", "reverse") if name in conditions}
        selection = Selection()._replace(**conditions)
        page = await self.storage.read("archive", ALICE, selection, **how)
        return [int(found.stanza[3:-4]) for found in page]

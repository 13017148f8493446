"""How a record of the inbox is stored: an entry of the account, its place in the order of what came.

The entry has the id that the message has in the account's archive, and no content then, since that stands there; or an
id of its own and the content. ``extra`` is text: ``+`` for a message that is done, ``!`` for one that waits though
others have copies, then the holders, ``KEY:NUMBER`` each, between spaces. A number that is none is ``*`` (owed), ``~``
(owed as a carbon) or ``=`` (it has it); a dot behind a number: the holder had ended when another was given the message.
"""

from typing import Final

from xmppd.services.inbox.machine import HAS, OWED, OWED_COPY, WAS, Record
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Append, Entry, NewEntry

STORE: Final = "inbox"
ASIDE: Final = "inbox_unreadable"
"""Where entries go that cannot be read back, as they are."""
MARKS: Final = {OWED: "*", OWED_COPY: "~", HAS: "="}
_NUMBERS: Final = {mark: number for number, mark in MARKS.items()}


def encode(record: Record) -> bytes:
    """Write what an entry keeps besides the content."""
    holders = [
        f"{key}:{number}" if 0 <= number < WAS else f"{key}:{_mark(number)}"
        for key, number in record.holders.items()
    ]
    text = " ".join(holders)
    return f"{'+' if record.is_done else ''}{'!' if record.is_open else ''}{text}".encode()


def read(owner: str, entry: Entry) -> Record:
    """Read an entry back. What is not understood of it counts for nothing, so that the message waits."""
    record = Record(owner, entry.id, is_archived=not entry.stanza)
    record.size_bytes = len(entry.stanza)
    text = entry.extra.decode(errors="replace")
    if text.startswith("+"):
        record.is_done, text = True, text[1:]
    if text.startswith("!"):
        record.is_open, text = True, text[1:]
    for part in text.split():
        key, _, number = part.rpartition(":")
        if not key:
            continue
        if number in _NUMBERS:
            record.holders[key] = _NUMBERS[number]
        elif number.removesuffix(".").isdigit():
            record.holders[key] = int(number.removesuffix(".")) + (WAS if number.endswith(".") else 0)
    return record


def _mark(number: int) -> str:
    return MARKS[number] if number < 0 else f"{number - WAS}."


def append(record: Record, stanza: Stanza, came_at: float) -> Append:
    """Give the change that stores a record that is new."""
    data = b"" if record.is_archived else stanza.to_bytes()
    record.size_bytes = len(data)
    return Append(STORE, record.owner, NewEntry(record.id, came_at, "", data, encode(record)))

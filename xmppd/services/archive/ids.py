"""Under which id a message enters an account's archive, for those who tell of it or refer to it."""

from collections.abc import Iterable

from xmppd.storage.interface import Append, Change

STORE = "archive"


def archived_as(changes: Iterable[Change], owner: str) -> str | None:
    """Give the id under which *changes* put a message into the archive of *owner*, if they do."""
    for change in changes:
        if type(change) is Append and change.store == STORE and change.owner == owner:
            return change.entry.id
    return None

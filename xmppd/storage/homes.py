"""Whose home a change belongs to: an owner lives in one process (decision 0008), be there one process or several.

Rules that live here: a change names one owner, and with it one home; what spans several is several changes. A part is
at home with its owner. The stores of a host that are keyed by name hold what belongs to ``NAME@HOST``, so that an
account is made and removed in one transaction; what is stored of the host itself, or of all names at once, is the
host's.
"""

from collections.abc import Iterable
from typing import Final

from xmppd.storage.interface import PART, Change, Delete, DeleteOwner, Put

KEYED_BY_NAME: Final = frozenset(("accounts", "disabled", "lacking", "tombstones", "rooms"))
"""The stores whose owner is a host, and whose keys are the names of what lives there."""


def home(change: Change) -> str:
    """The owner whose home makes *change*: it says which process, and which lease has to hold."""
    if isinstance(change, DeleteOwner):
        return _whole(change.owner)
    if change.store in KEYED_BY_NAME and isinstance(change, Put | Delete) and change.key:
        return f"{change.key}@{_whole(change.owner)}"
    return _whole(change.owner)


def parts(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """*changes* by their homes, in order; each list is one transaction where homes are in several processes.

    What waits for a commit (an ``<a/>``, a result) waits for the last of them.
    """
    found: dict[str, list[Change]] = {}
    for change in changes:
        found.setdefault(home(change), []).append(change)
    return found


def _whole(owner: str) -> str:
    return owner.partition(PART)[0]

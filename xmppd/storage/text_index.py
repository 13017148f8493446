"""An index of words over the entries of archives: beside the data, behind them in time, and made anew from them."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred


class Text(NamedTuple):
    """What is to be found: the seq and id of an entry, and its text."""

    seq: int
    id: str
    text: str


class Found(NamedTuple):
    """An entry that was found."""

    seq: int
    id: str


class TextIndex(Protocol):
    """All Deferreds fail with `StorageFailed` where the index cannot be used."""

    def last_seq(self, owner: str) -> Deferred[int]:
        """The seq up to which the entries of *owner* are indexed, 0 for none."""

    def add(self, owner: str, texts: Sequence[Text], last_seq: int) -> Deferred[None]:
        """Index *texts*; all entries of *owner* up to *last_seq* are indexed then."""

    def remove(self, owner: str, *, seqs: Sequence[int] = (), below: int | None = None) -> Deferred[None]:
        """Forget these entries, and those with a seq below *below*."""

    def forget(self, owner: str) -> Deferred[None]:
        """Forget all of *owner*."""

    def search(
        self,
        owner: str,
        words: Sequence[str],
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 100,
        reverse: bool = False,
    ) -> Deferred[list[Found]]:
        """The entries with all *words*, in order of seq, or with *reverse* from the newest backwards."""

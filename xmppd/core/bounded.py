"""Memories with a bound: what a peer can make grow forgets what is oldest.

Rules that live here: `Bounded.keep` makes an item the newest, and so does `Bounded.use`, which is what a cache of the
latest used asks by; to look (`get`, ``in``, ``[]``) changes nothing. An ``OrderedDict`` stands behind it, since with a
plain dict the first item is found in time that grows with the bound (8 µs at 10,000 items, against 0.5).
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(OrderedDict[K, V]):
    """At most *limit* items; one more, and the one kept or used longest ago goes."""

    __slots__ = ("_is_spared", "limit")

    def __init__(self, limit: int, is_spared: Callable[[V], bool] | None = None):
        """Of items that *is_spared* none goes; while all are spared the bound does not hold."""
        super().__init__()
        self.limit = max(1, limit)
        self._is_spared = is_spared

    def keep(self, key: K, value: V) -> tuple[K, V] | None:
        """Keep *value* as the newest; gives the item that went for it."""
        if key in self:
            self.move_to_end(key)
        self[key] = value
        if len(self) <= self.limit:
            return None
        if self._is_spared is None:
            return self.popitem(last=False)
        for other, old in self.items():
            if other != key and not self._is_spared(old):
                del self[other]
                return other, old
        return None

    def use(self, key: K) -> V | None:
        """The value of *key*, which is the newest now; None where it is not there."""
        if key not in self:
            return None
        self.move_to_end(key)
        return self[key]


class BoundedBySize(Generic[K, V]):
    """Items whose sizes together are at most *limit*: those kept longest ago go. One that is larger is not kept."""

    __slots__ = ("_items", "limit", "size")

    def __init__(self, limit: int):
        self._items: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.limit = limit
        self.size = 0
        """Of all together."""

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, key: K) -> bool:
        return key in self._items

    def keep(self, key: K, value: V, size: int) -> None:
        """Keep *value*, which has this *size*, as the newest."""
        self.forget(key)
        self._items[key] = (value, size)
        self.size += size
        while self.size > self.limit:
            self.drop_oldest()

    def use(self, key: K) -> V | None:
        """The value of *key*, which is the newest now; None where it is not there."""
        if key not in self._items:
            return None
        self._items.move_to_end(key)
        return self._items[key][0]

    def get(self, key: K) -> V | None:
        """The value of *key*, which keeps its place; None where it is not there."""
        found = self._items.get(key)
        return None if found is None else found[0]

    def forget(self, key: K) -> None:
        """Keep it no longer; harmless where it is not there."""
        found = self._items.pop(key, None)
        if found is not None:
            self.size -= found[1]

    def drop_oldest(self) -> None:
        """Forget the one kept or used longest ago."""
        _, (_, size) = self._items.popitem(last=False)
        self.size -= size

    def clear(self) -> None:
        """Forget all."""
        self._items.clear()
        self.size = 0

"""Which pairs of domains were begun by whom: nobody takes all the room that there is for them."""

from typing import Final

SHARE: Final = 10
"""One account, or room, may have a tenth of all."""
Key = tuple[str, str]


class Shares:
    """The pairs of each bare JID."""

    def __init__(self) -> None:
        self._who: dict[Key, str] = {}
        self._keys: dict[str, dict[Key, None]] = {}

    def add(self, key: Key, who: str) -> None:
        """Note that *who* has begun a pair."""
        self._who[key] = who
        self._keys.setdefault(who, {})[key] = None

    def remove(self, key: Key) -> None:
        """There is no such pair any more."""
        who = self._who.pop(key, None)
        if who is not None:
            keys = self._keys[who]
            del keys[key]
            if not keys:
                del self._keys[who]

    def of(self, who: str) -> dict[Key, None]:
        """Give the pairs of *who*; whoever reads them may change their order."""
        return self._keys.get(who, {})

    def is_full(self, who: str, most: int) -> bool:
        """Whether *who* has its share of *most*."""
        return len(self.of(who)) >= max(1, most // SHARE)
